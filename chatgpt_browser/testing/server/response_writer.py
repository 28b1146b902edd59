"""One response on its way out: status, chunks, end, or a dropped connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest

AsgiMessage = MutableMapping[str, Any]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]

# Alone it proves nothing about a challenge, and clients have to know that: so every response has it.
_EDGE_HEADER = (b"server", b"cloudflare")


class Wire:
    """Sends one response and notes in the record how far it got."""

    def __init__(self, record: RecordedRequest, send: AsgiSend, drop: Callable[[], None]) -> None:
        self.record = record
        #: Whether the last chunk has been handed over: after that, the client may leave.
        self.ending = False
        #: Whether the server broke the connection itself.
        self.dropped = False
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

    async def asgi_send(self, message: AsgiMessage) -> None:
        """Send an ASGI message as a framework would."""
        if message["type"] == "http.response.start":
            self.record.status = message["status"]
            message["headers"] = [*_dated(message.get("headers", [])), _EDGE_HEADER]
        elif not message.get("more_body", False):
            self.ending = True

        await self._send(message)

    async def let_go(self) -> None:
        """End a response whose client has left.

        Over HTTP/2 Hypercorn keeps a place, of a thousand, for every stream until it has been ended.
        """
        if self.record.status is None:
            await self._send({"type": "http.response.start", "status": 499, "headers": []})
        if not self.ending:
            await self._send({"type": "http.response.body", "body": b""})

    async def drop(self) -> NoReturn:
        """Break the connection; what was sent before still arrives."""
        # Over HTTP/2 a task of the server's own moves chunks to the socket, a frame (16 KiB) a turn. Let it.
        for _ in range(16 + self._unflushed // 1024):
            await asyncio.sleep(0)

        self.dropped = self.record.dropped = True
        self._drop()
        await self.stall()

    async def stall(self) -> NoReturn:
        """Send nothing until the client leaves or the server closes, which cancels this."""
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nothing sets the future's result")


def _dated(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with a date: the scripted one, so that a server's clock may be wrong, else the time as it is."""
    if any(name.lower() == b"date" for name, _ in headers):
        return [*headers]
    return [*headers, (b"date", formatdate(usegmt=True).encode())]
