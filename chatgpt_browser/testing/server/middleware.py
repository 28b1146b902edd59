"""What happens to every request before its path counts: it is recorded, checked, and watched for leaving."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..data.recorded_request import RecordedRequest
from ..script.responses import Answer
from .playback import play
from .response_writer import AsgiMessage, AsgiSend, Wire
from .routes import WIRE_KEY, build_app
from .session_endpoint import answer_session
from .watch_page import WATCH_PATH, serve_watching

if TYPE_CHECKING:
    from ..script.steps import Step
    from .site import Site

AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
_Scope = dict[str, Any]

# Only for a client that left and took its flow control with it: Hypercorn may then wait for ever.
_LAST_BYTES_SECONDS = 0.2


class Front:
    """The ASGI application: `drop` breaks the connection of a client's (host, port)."""

    def __init__(self, site: Site, drop: Callable[[tuple[str, int]], None]) -> None:
        self.closing = False
        self._site = site
        self._drop = drop
        self._app = build_app(site)

    async def __call__(self, scope: _Scope, receive: AsgiReceive, send: AsgiSend) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    async def _serve(self, scope: _Scope, receive: AsgiReceive, send: AsgiSend) -> None:
        body, left = await _read_body(receive)
        record = _make_record(scope, body)
        wire = Wire(record, send, lambda: self._drop(scope["client"]))
        if record.path.startswith(WATCH_PATH):
            await self._respond(serve_watching(self._site, wire), wire, receive)
            return

        self._site.requests.add(record)
        self._site.changes.note()
        try:
            if left:
                record.disconnected.set()
            else:
                await self._respond(self._answer({**scope, WIRE_KEY: wire}, wire), wire, receive)
        finally:
            record.finished_at = time.monotonic()
            record.finished.set()
            self._site.changes.note()

        if record.disconnected.is_set() and record.http_version == "2":
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(wire.let_go(), _LAST_BYTES_SECONDS)

    async def _respond(self, answer: Coroutine[Any, Any, None], wire: Wire, receive: AsgiReceive) -> None:
        """Answer, but give up as soon as the client leaves."""
        responding = asyncio.ensure_future(answer)
        leaving = asyncio.ensure_future(_read_body(receive))
        try:
            await asyncio.wait({responding, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if wire.ending:
                await asyncio.wait({responding}, timeout=_LAST_BYTES_SECONDS)
            if not responding.done() and not wire.dropped and not self.closing:
                wire.record.disconnected.set()
        finally:
            responding.cancel()
            leaving.cancel()
            await asyncio.wait({responding, leaving})

    async def _answer(self, scope: _Scope, wire: Wire) -> None:
        try:
            step = self._intercept(wire.record)
            if step is not None:
                await play(step, wire)
            else:
                await self._app(scope, _nothing_more, wire.asgi_send)
        except Exception as error:
            self._site.note_error(error)
            if not wire.ending:
                await wire.drop()

    def _intercept(self, record: RecordedRequest) -> Step | None:
        """What is answered whatever the path may be."""
        site = self._site
        with site.lock:
            refusal = site.injections.refuse(site, record)
            if refusal is not None:
                return answer_session(site, record, refusal)

            challenge = site.challenges.intercept(record)
            if challenge is not None:
                return challenge
            if site.redirect_to is not None:
                return Answer(308, headers=[("location", site.redirect_to + record.target)])

            scripted = site.next_for_path(record.path)
            return None if scripted is None else answer_session(site, record, scripted)


async def _read_body(receive: AsgiReceive) -> tuple[bytes, bool]:
    """Read to the end of the body, or until the client leaves: the bytes, and whether it left."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts), True

        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts), False


async def _nothing_more() -> AsgiMessage:
    return {"type": "http.request", "body": b"", "more_body": False}


def _make_record(scope: _Scope, body: bytes) -> RecordedRequest:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    return RecordedRequest(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        raw_headers=headers,
        body=body,
        http_version=scope["http_version"],
    )
