"""Passes the log records of a call to the process that has made the call. That process logs them as if it had run the call."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from .._core.log import log_handler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

#: The lowest level of the records that are passed. DEBUG records are only in the log of the service.
_LEVEL = logging.INFO


class _CallLog:
    """Writes log records to the connection of one call, until the call ends.

    Tasks that the call has started, such as those of the browser, can log records after its end. Those records are not written.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer: asyncio.StreamWriter | None = writer
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def add(self, record: logging.LogRecord) -> None:
        """Write a record to the connection. If this is another thread, the event loop's thread writes the record."""
        line = {"log": [record.levelno, record.getMessage(), getattr(record, "chatgpt_event", None)]}
        data = json.dumps(line).encode() + b"\n"
        if threading.get_ident() == self._thread:
            self._write(data)
        else:
            self._loop.call_soon_threadsafe(self._write, data)

    def close(self) -> None:
        """Write no more records."""
        self._writer = None

    def _write(self, data: bytes) -> None:
        if self._writer is not None:
            self._writer.write(data)


#: The log of the current task's call. None if the task belongs to no call.
_current: ContextVar[_CallLog | None] = ContextVar("chatgpt_browser_call_log", default=None)


class _Handler(logging.Handler):
    """Adds each record to the log of the call that has created the record."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record, if it belongs to a call."""
        if (log := _current.get()) is not None:
            log.add(record)


def passing_log_records() -> AbstractContextManager[None]:
    """Install the log handler during the block. Without this handler, :func:`logging_to_caller` passes no records."""
    return log_handler(_Handler(_LEVEL), _LEVEL)


@contextmanager
def logging_to_caller(writer: asyncio.StreamWriter) -> Iterator[None]:
    """In the block, write the log records of this task, and of the tasks that it starts, to the connection of a call."""
    log = _CallLog(writer)
    token = _current.set(log)
    try:
        yield
    finally:
        log.close()
        _current.reset(token)
