"""The script of the fake server: the steps, the queue of steps, and the encoding of reply events.

A step describes the server's response to one request. This package does no I/O.
"""
