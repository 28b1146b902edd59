"""`ResponseWriter`: sends one response (the head, the chunks and the end), or breaks the connection."""

from __future__ import annotations

import asyncio
import enum
from email.utils import formatdate
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Message, Send

    from ..data.recorded_request import RecordedRequest

#: The headers of a response whose body is an event stream.
EVENT_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]

# Every response of the site has this header, so clients must not use it to detect challenges.
_EDGE_HEADER = (b"server", b"cloudflare")


class ResponseState(enum.Enum):
    """The states of a response.

    WAITING --head--> STREAMING --end--> ENDING
       |                  |
       +------drop--------+------------> DROPPED
    """

    #: Nothing was sent yet.
    WAITING = enum.auto()
    #: The status and the headers were sent.
    STREAMING = enum.auto()
    #: The last chunk was passed to the ASGI server. In this state, a disconnect of the client is not an error.
    ENDING = enum.auto()
    #: The server itself broke the connection.
    DROPPED = enum.auto()


class ResponseWriter:
    """Sends one response, and records the progress of the response in the `RecordedRequest`.

    :param drop: a function that breaks the connection of the client.
    """

    def __init__(self, record: RecordedRequest, send: Send, drop: Callable[[], None]) -> None:
        self.record = record
        self.state: ResponseState = ResponseState.WAITING
        self._send = send
        self._drop = drop
        self._unflushed = 0

    async def head(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Send the status and the headers."""
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self.asgi_send({"type": "http.response.start", "status": status, "headers": raw})

    async def chunk(self, data: bytes) -> None:
        """Send one part of the body; more parts follow."""
        self._unflushed += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        """Send the last part of the body, and end the response."""
        await self.asgi_send({"type": "http.response.body", "body": data})

    async def asgi_send(self, message: Message) -> None:
        """Send an ASGI message, and update the state of the response. Starlette can use this method as its `send`."""
        if message["type"] == "http.response.start":
            self.state = ResponseState.STREAMING
            self.record.status = message["status"]
            message["headers"] = [*_with_date(message.get("headers", [])), _EDGE_HEADER]
        elif not message.get("more_body", False):
            self.state = ResponseState.ENDING

        await self._send(message)

    async def finish_abandoned(self) -> None:
        """Complete the response after the client has disconnected.

        This is necessary over HTTP/2: for each connection, Hypercorn keeps an entry for each stream until the response is
        complete. With more than a thousand entries, Hypercorn raises an error.
        """
        if self.record.status is None:
            await self._send({"type": "http.response.start", "status": 499, "headers": []})
        if self.state is not ResponseState.ENDING:
            await self._send({"type": "http.response.body", "body": b""})

    async def drop(self) -> NoReturn:
        """Break the connection. The client still receives all data that was sent before. This method never returns."""
        # In each iteration of the event loop, a task of Hypercorn writes one HTTP/2 frame (16 KiB) to the socket. Wait for more
        # iterations than there are frames, so that all frames are written.
        for _ in range(16 + self._unflushed // 1024):
            await asyncio.sleep(0)

        self.state = ResponseState.DROPPED
        self.record.dropped = True
        self._drop()
        await self.stall()

    async def stall(self) -> NoReturn:
        """Wait without sending anything. This method never returns.

        `RequestMiddleware` cancels the coroutine when the client disconnects or the server closes.
        """
        await asyncio.get_running_loop().create_future()
        raise AssertionError("the future has no result")


def _with_date(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with a `date` header.

    If the headers already contain a `date` header, keep it, because a test can simulate a server with a wrong clock. Otherwise
    add a header with the current time.
    """
    if any(name.lower() == b"date" for name, _ in headers):
        return [*headers]
    return [*headers, (b"date", formatdate(usegmt=True).encode())]
