"""The calling side of a connection to the service."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._core.log import logger
from .address import connect
from .codec import decode_failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The programs that can run the service, and the names of these programs in texts for the user.
PROGRAM_NAMES = {"background": "the background browser", "serve": "`serve`"}


def program_of(status: dict[str, Any]) -> str:
    """Return the name of the service's program, as it is written inside a sentence. ``status`` is the status of the service."""
    return PROGRAM_NAMES[status["program"]]


class RefusedError(Exception):
    """The service does not run the call: it has another session or other options. The message contains the reason."""


class Connection:
    """Sends one call to the service, and receives the response. It is a context manager.

    If the ``with`` block is left before the result has arrived, the service cancels the call.
    """

    def __init__(self, path: Path, call: dict[str, Any], *, timeout: float | None = None) -> None:
        self._socket = connect(path)
        self._socket.settimeout(timeout)
        self._file = self._socket.makefile("rb")
        try:
            self._socket.sendall(json.dumps(call, default=_to_json).encode() + b"\n")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def shut_down(self) -> None:
        """End the connection, so that a read that is in progress returns.

        This method may be called from another thread, or from a signal handler that has interrupted the read.
        """
        with suppress(OSError):  # The other end may have closed the connection.
            self._socket.shutdown(socket.SHUT_RDWR)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the items, and then the line of the result. Log the records of the call.

        :raises RefusedError: the service does not run the call.
        :raises EOFError: the connection has ended before the result has arrived, or another program uses the socket.
        :raises Exception: the call has raised this error.
        """
        while True:
            data = _parse(self._file.readline())
            if "log" in data:
                _log(*data["log"])
                continue
            if "refused" in data:
                raise RefusedError(data["refused"])
            if (error := decode_failure(data)) is not None:
                raise error
            yield data
            if "result" in data:
                return

    def result(self) -> Any:
        """Wait for the result, and return it as JSON. Items before the result are ignored."""
        *_, last = self.lines()
        return last["result"]

    def wait_for_end(self) -> None:
        """Wait until the other end closes the connection."""
        while self._file.read(1 << 12):
            pass


def _parse(line: bytes) -> dict[str, Any]:
    """Parse a line of the service. Raise EOFError if the line is incomplete, or is not a JSON object."""
    try:
        data = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise EOFError
    return data


def _log(level: int, message: str, event: str | None) -> None:
    """Log a record that the service has logged for the call. ``event`` is the attribute `chatgpt_event` of the record."""
    logger.log(level, "%s", message, extra=None if event is None else {"chatgpt_event": event})


def _to_json(value: object) -> Any:
    """Convert a value that JSON cannot represent: a duration to milliseconds, and a path to the text of an absolute path.

    The path must be absolute, because the service has another working folder.
    """
    if isinstance(value, timedelta):
        return value.total_seconds() * 1000
    if isinstance(value, os.PathLike):
        return os.path.abspath(os.fspath(value))
    raise TypeError(f"{type(value).__name__} cannot be sent to the background browser")
