"""Lets a signal end standard input."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIZE = 1 << 16


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """End `sys.stdin` if SIGINT or SIGTERM arrives in the block. After the block, raise the exception for the signal.

    The SDK reads standard input in a thread, and waits for this thread even if the server is cancelled. Nothing can interrupt the
    read from a terminal or a pipe, but the shutdown of a socket ends a read from the socket. Therefore a socket replaces
    `sys.stdin`, another thread copies the input to the socket, and the signal shuts the socket down.

    :raises KeyboardInterrupt: SIGINT has arrived.
    :raises SystemExit: SIGTERM has arrived.
    """
    received: list[int] = []
    ours, theirs = socket.socketpair()

    def end(signum: int, _frame: FrameType | None) -> None:
        if received:  # The server has not ended after the first signal.
            raise KeyboardInterrupt
        received.append(signum)
        _shut_down(ours)

    before = {signum: signal.signal(signum, end) for signum in (signal.SIGINT, signal.SIGTERM)}
    stdin = sys.stdin
    try:
        with ours, theirs, theirs.makefile("r", encoding="utf-8") as sys.stdin:
            threading.Thread(
                target=_copy_input, args=(ours,), name="chatgpt_browser stdin", daemon=True
            ).start()
            yield
    finally:
        sys.stdin = stdin
        for signum, handler in before.items():
            signal.signal(signum, handler)
    if received:
        raise KeyboardInterrupt if received[0] == signal.SIGINT else SystemExit(128 + received[0])


def _copy_input(target: socket.socket) -> None:
    """Copy standard input to a socket until one of them ends."""
    with suppress(OSError):
        # `os.read` takes no lock. A read from `sys.stdin` takes a lock. If this thread held that lock when the interpreter exits,
        # the interpreter would abort.
        while data := os.read(0, _SIZE):
            target.sendall(data)
    _shut_down(target)


def _shut_down(sock: socket.socket) -> None:
    """End a connection without closing its descriptor, which another thread may be using."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
