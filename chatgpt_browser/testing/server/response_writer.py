"""`ResponseWriter`: sends one response: head, chunks and end, or a broken connection."""

from __future__ import annotations

import asyncio
import enum
from email.utils import formatdate
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Message, Send

    from ..data.recorded_request import RecordedRequest

#: The headers of a response that is an event stream.
EVENT_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]

# Every response has this header: clients must not take it for the sign of a challenge.
_EDGE_HEADER = (b"server", b"cloudflare")


class ResponseState(enum.Enum):
    """The states of a response.

    WAITING --head--> STREAMING --end--> ENDING
       |                  |
       +------drop--------+------------> DROPPED
    """

    #: Nothing was sent.
    WAITING = enum.auto()
    #: The status and the headers were sent.
    STREAMING = enum.auto()
    #: The last chunk was passed to the ASGI server; the client may disconnect from now on.
    ENDING = enum.auto()
    #: The server itself broke the connection.
    DROPPED = enum.auto()


class ResponseWriter:
    """Sends one response and records its progress in the `RecordedRequest`."""

    def __init__(self, record: RecordedRequest, send: Send, drop: Callable[[], None]) -> None:
        self.record = record
        self.state = ResponseState.WAITING
        self._send = send
        self._drop = drop
        self._unflushed = 0

    async def head(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Send the status and the headers."""
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self.asgi_send({"type": "http.response.start", "status": status, "headers": raw})

    async def chunk(self, data: bytes) -> None:
        """Send a part of the body."""
        self._unflushed += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """Send the last part of the body."""
        await self.asgi_send({"type": "http.response.body", "body": data})

    async def asgi_send(self, message: Message) -> None:
        """Send an ASGI message of a framework."""
        if message["type"] == "http.response.start":
            self.state = ResponseState.STREAMING
            self.record.status = message["status"]
            message["headers"] = [*_with_date(message.get("headers", [])), _EDGE_HEADER]
        elif not message.get("more_body", False):
            self.state = ResponseState.ENDING

        await self._send(message)

    async def finish_abandoned(self) -> None:
        """Complete a response whose client has disconnected.

        Over HTTP/2, Hypercorn keeps an entry (of at most a thousand) for every stream until the response is complete.
        """
        if self.record.status is None:
            await self._send({"type": "http.response.start", "status": 499, "headers": []})
        if self.state is not ResponseState.ENDING:
            await self._send({"type": "http.response.body", "body": b""})

    async def drop(self) -> NoReturn:
        """Break the connection; everything that was sent before still arrives."""
        # A task of Hypercorn moves one HTTP/2 frame (16 KiB) to the socket in each iteration of the event loop.
        for _ in range(16 + self._unflushed // 1024):
            await asyncio.sleep(0)

        self.state = ResponseState.DROPPED
        self.record.dropped = True
        self._drop()
        await self.stall()

    async def stall(self) -> NoReturn:
        """Send nothing until the client disconnects or the server closes, which cancels this coroutine."""
        await asyncio.get_running_loop().create_future()
        raise AssertionError("the future has no result")


def _with_date(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with a date: the scripted one (a server's clock may be wrong), else the current time."""
    if any(name.lower() == b"date" for name, _ in headers):
        return [*headers]
    return [*headers, (b"date", formatdate(usegmt=True).encode())]
