"""The script of the fake server: the steps, the queue of steps, and the encoding of reply events. This package does no I/O."""
