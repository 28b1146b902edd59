"""Standard input that is read to its end: a pipe, a file or a socket, within a time limit."""

from __future__ import annotations

import os
import stat
import sys
import threading
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

import typer

from chatgpt_browser._core.errors import ChatGPTTimeoutError

from ..output.consoles import err, print_note
from ..output.live_line import spinner_line
from ..output.wait_spinner import WaitSpinner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

#: Seconds after which a terminal shows what is awaited.
NOTICE_DELAY = 0.5
#: The maximum number of bytes that are read.
MAX_BYTES = 32 * 1024 * 1024
_CHUNK = 65536


class PipedInput:
    """Standard input as the text of a question, with a time limit in seconds, or None."""

    def __init__(self, timeout: float | None = None) -> None:
        self._timeout = timeout
        #: The rest of the limit after :meth:`read`.
        self.seconds_left = timeout

    def read(self) -> str:
        """Return the text of standard input if it is a pipe, a file or a socket, else an empty string.

        Other inputs are not read, because they may never end: a terminal, or what a job scheduler provides.

        :raises typer.BadParameter: the input is not UTF-8 or too large.
        :raises ChatGPTTimeoutError: the input did not end within the limit.
        """
        if not is_piped(sys.stdin):
            return ""

        started = perf_counter()
        data = read_to_end(self._timeout)
        if self._timeout is not None:
            self.seconds_left = max(0.001, self._timeout - (perf_counter() - started))
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise typer.BadParameter("standard input is not UTF-8") from None


def is_piped(stream: TextIO | None) -> bool:
    """Return whether a stream is a pipe, a socket (which Node's `spawn` provides) or a regular file."""
    if stream is None:  # the parent process closed standard input
        return False

    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return False

    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def read_to_end(timeout: float | None = None) -> bytes:
    """Return all bytes of standard input; after a moment, show on a terminal what is awaited.

    :raises typer.BadParameter: the input is too large.
    :raises ChatGPTTimeoutError: the input did not end within `timeout` seconds.
    """
    try:
        descriptor = sys.stdin.fileno()
    except OSError:  # an object in memory, in tests
        return sys.stdin.buffer.read()

    reader = _Reader(descriptor)
    reader.start()
    notice_delay = NOTICE_DELAY if timeout is None else min(NOTICE_DELAY, timeout)
    if not reader.finished.wait(notice_delay):
        with _awaited_input_shown():
            reader.finished.wait(None if timeout is None else timeout - notice_delay)
    return reader.result(timeout)


@contextmanager
def _awaited_input_shown() -> Iterator[None]:
    """Show on a terminal that standard input is awaited: a spinner, or a line if lines cannot be rewritten."""
    spinner = WaitSpinner(
        "the end of standard input (Ctrl-D ends it on a terminal; `< /dev/null` gives none)"
    )
    if err.is_terminal and not err.is_animated:
        print_note(spinner.__rich__())
    with spinner_line(spinner, err):
        yield


class _Reader(threading.Thread):
    """Reads a file descriptor to its end. A thread, because a read of a pipe has no time limit on every platform.

    It does not use `sys.stdin`: at exit, Python would wait for the lock that a read of that object holds.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="chatgpt_browser stdin", daemon=True)
        self.finished = threading.Event()
        self._descriptor = descriptor
        self._data = bytearray()
        self._error: OSError | None = None

    def run(self) -> None:
        """Read until the end, an error, or one byte more than the maximum."""
        try:
            if sys.platform != "win32":
                os.set_blocking(self._descriptor, True)  # the parent process may have made it non-blocking
            while len(self._data) <= MAX_BYTES and (chunk := os.read(self._descriptor, _CHUNK)):
                self._data += chunk
        except OSError as error:
            self._error = error
        finally:
            self.finished.set()

    def result(self, timeout: float | None) -> bytes:
        """Return the data.

        :raises OSError: the input could not be read.
        :raises typer.BadParameter: the input is too large.
        :raises ChatGPTTimeoutError: the input has not ended.
        """
        if not self.finished.is_set():
            raise ChatGPTTimeoutError(
                f"Standard input did not end within the limit of {timeout:g} s (--timeout). No message was sent."
            )
        if self._error is not None:
            raise self._error
        if len(self._data) > MAX_BYTES:
            raise typer.BadParameter(f"standard input is larger than {MAX_BYTES // 1024**2} MB")
        return bytes(self._data)
