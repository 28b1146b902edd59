"""Lets several processes use one open browser: a service on a Unix socket, and a client that sends calls to this service.

The protocol is one connection for each call, and one JSON object in each line. The first line is the call. The service sends a
line for each item of the result and for each log record of the call, and then a last line with the result or the error. If the
connection ends before the last line, the service cancels the call.
"""
