"""Reads standard input to its end, within a time limit, if standard input is a pipe, a file or a socket."""

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

#: A notice is shown on the terminal if the input has not ended after this many seconds.
NOTICE_DELAY = 0.5
#: The maximum size of the input, in bytes.
MAX_BYTES = 32 * 1024 * 1024
_CHUNK = 65536


class PipedInput:
    """Reads the text of a question from standard input. `timeout` is a time limit in seconds; None means no limit."""

    def __init__(self, timeout: float | None = None) -> None:
        self._timeout = timeout
        #: The rest of the time limit after :meth:`read`, in seconds, or None if there is no limit.
        self.seconds_left = timeout

    def read(self) -> str:
        """Return the text of standard input. If standard input is not a pipe, a file or a socket, return an empty string.

        Other inputs are not read, because they may never end: for example a terminal, or the standard input of a scheduled job.

        :raises typer.BadParameter: the input is not UTF-8, or it is too large.
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
    """Return whether a stream is a pipe, a regular file or a socket. For example, Node's `spawn` passes a socket."""
    if stream is None:  # The parent process closed standard input.
        return False

    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return False

    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def read_to_end(timeout: float | None = None) -> bytes:
    """Return all bytes of standard input. If reading takes longer than `NOTICE_DELAY`, show a notice on the terminal.

    :raises typer.BadParameter: the input is too large.
    :raises ChatGPTTimeoutError: the input did not end within `timeout` seconds.
    """
    try:
        descriptor = sys.stdin.fileno()
    except OSError:  # Tests replace `sys.stdin` by an object in memory, which has no file descriptor.
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
    """In the block, show on the terminal that the command waits for input. If a spinner is not possible, print a line."""
    spinner = WaitSpinner(
        "the end of standard input (Ctrl-D ends it on a terminal; `< /dev/null` gives none)"
    )
    if err.is_terminal and not err.is_animated:
        print_note(spinner.__rich__())
    with spinner_line(spinner, err):
        yield


class _Reader(threading.Thread):
    """Reads a file descriptor to its end, in a thread.

    A thread is needed, because not every platform supports a timeout for reading from a pipe. The thread reads the descriptor
    and not `sys.stdin`, because a read from `sys.stdin` holds a lock, and Python waits for this lock when it exits.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="chatgpt_browser stdin", daemon=True)
        self.finished = threading.Event()
        self._descriptor = descriptor
        self._data = bytearray()
        self._error: OSError | None = None

    def run(self) -> None:
        """Read until the input ends, a read fails, or the data is larger than the maximum."""
        try:
            if sys.platform != "win32":
                os.set_blocking(self._descriptor, True)  # The parent process may have disabled blocking.
            while len(self._data) <= MAX_BYTES and (chunk := os.read(self._descriptor, _CHUNK)):
                self._data += chunk
        except OSError as error:
            self._error = error
        finally:
            self.finished.set()

    def result(self, timeout: float | None) -> bytes:
        """Return the data that was read. This method does not wait: `timeout` is only the limit that the error message names.

        :raises OSError: the input could not be read.
        :raises typer.BadParameter: the input is too large.
        :raises ChatGPTTimeoutError: the input has not ended yet.
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
