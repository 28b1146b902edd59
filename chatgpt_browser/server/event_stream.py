"""Sends server-sent events to a client. A slow client does not slow down the reading of the reply."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio

from .departure import ClientLeftError

if TYPE_CHECKING:
    from starlette.types import Send

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
#: If no event was sent for this many seconds, a comment is sent, so that a client's read timeout does not end the stream while
#: the model thinks.
_KEEP_ALIVE = 15.0
_COMMENT = b": waiting for the model\n\n"
#: If a client accepts no data for this many seconds, its connection is closed.
_STALL_TIMEOUT = 60.0


class EventStream:
    """A response of server-sent events. Events that are added while the connection is busy are sent together.

    The stream is an async context manager. At the end of the block, it sends the remaining events and ends the response.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: list[bytes] = []
        self._changed = asyncio.Event()
        self._is_complete = False
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> EventStream:
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        assert self._writer is not None
        self._is_complete = True
        self._changed.set()
        try:
            if error is None:
                await self._writer
        finally:
            self._writer.cancel()  # no effect if all events were sent

    def add(self, *events: bytes) -> None:
        """Add encoded events.

        :raises ClientLeftError: the client no longer accepts data.
        """
        if self._writer is not None and self._writer.done():
            self._writer.result()
        self._waiting += events
        self._changed.set()

    async def _write(self) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        while not self._is_complete or self._waiting:
            if not self._waiting:
                await self._wait()
                continue
            data, self._waiting = b"".join(self._waiting), []
            await self._send_part(data)
        # Before uvicorn sends a part, it waits until the client has accepted most of the earlier parts. So this empty part, which
        # ends the response, also waits for the client.
        await self._send_part(b"", has_more=False)

    async def _wait(self) -> None:
        self._changed.clear()
        with anyio.move_on_after(_KEEP_ALIVE) as scope:
            await self._changed.wait()
        if scope.cancelled_caught:
            self._waiting.append(_COMMENT)

    async def _send_part(self, data: bytes, *, has_more: bool = True) -> None:
        with anyio.move_on_after(_STALL_TIMEOUT) as scope:
            await self._send({"type": "http.response.body", "body": data, "more_body": has_more})
        if scope.cancelled_caught:
            raise ClientLeftError
