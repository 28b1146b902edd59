"""`RequestMiddleware`: the ASGI application that records requests, applies faults and detects disconnects."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from ..data.recorded_request import RecordedRequest
from ..script.responses import Answer
from .origin_check import refuse_foreign
from .response_writer import ResponseState, ResponseWriter
from .routes import WRITER_KEY, build_app
from .step_playback import play
from .turn_socket import SOCKET_PATH, TurnSocket
from .watch_page import WATCH_PATH, serve_watch_page

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.types import Message, Receive, Scope, Send

    from ..script.steps import Step
    from .site import Site

# The maximum time for sending the last chunk, in seconds. Without this limit, Hypercorn could wait forever if a client
# disconnects while HTTP flow control blocks the response.
_LAST_CHUNK_SECONDS = 0.2


class RequestMiddleware:
    """The outer ASGI application. It calls the inner ASGI application, which the function `build_app` returns.

    :param drop: a function that breaks a connection. Its argument is the (host, port) of the client.
    """

    def __init__(self, site: Site, drop: Callable[[tuple[str, int]], None]) -> None:
        #: True while the server closes. Disconnects are not recorded then, because the server causes them.
        self.closing = False
        self._site = site
        self._drop = drop
        self._app = build_app(site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection: serve an HTTP request, handle the lifespan events, or serve a WebSocket."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["path"] == SOCKET_PATH and refuse_foreign(self._site, _make_record(scope, b"")) is None:
            await TurnSocket(self._site, send).serve(scope, receive)
        else:
            await receive()
            await send({"type": "websocket.close"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._site.storage.is_at(scope):
            await self._serve_storage(scope, receive, send)
            return
        body, disconnected = await _read_body(receive)
        record = _make_record(scope, body)
        writer = ResponseWriter(record, send, lambda: self._drop(scope["client"]))
        if (refusal := refuse_foreign(self._site, record)) is not None:
            # The refused request is not recorded, and no fault is applied to it.
            await self._respond(play(refusal, writer), writer, receive)
            return
        if record.path.startswith(WATCH_PATH):
            await self._respond(serve_watch_page(self._site, writer), writer, receive)
            return

        answer = self._answer({**scope, WRITER_KEY: writer}, writer)
        await self._log_and_respond(answer, writer, receive, disconnected=disconnected)

    async def _serve_storage(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request to the storage. Record the request without its body, because an uploaded file may be large."""
        record = _make_record(scope, b"")
        writer = ResponseWriter(record, send, lambda: self._drop(scope["client"]))
        disconnected = await self._site.storage.receive(record, receive)
        answer = self._answer_from_storage(writer)
        await self._log_and_respond(answer, writer, receive, disconnected=disconnected)

    async def _answer_from_storage(self, writer: ResponseWriter) -> None:
        scripted = None
        # A CORS preflight request (OPTIONS) uses up no scripted response.
        if writer.record.method != "OPTIONS":
            with self._site.lock:
                scripted = self._site.script.next_for_path(writer.record.path)
        if scripted is not None and not isinstance(scripted, str):
            await play(scripted, writer)
        else:
            await self._site.storage.respond(writer.record, writer)

    async def _log_and_respond(
        self,
        answer: Coroutine[Any, Any, None],
        writer: ResponseWriter,
        receive: Receive,
        *,
        disconnected: bool,
    ) -> None:
        """Record the request. If the client is still connected, run the coroutine `answer`."""
        record = writer.record
        self._site.requests.add(record)
        self._site.changes.notify()
        try:
            if disconnected:
                answer.close()
                record.disconnected.set()
            else:
                await self._respond(answer, writer, receive)
        finally:
            record.finished_at = time.monotonic()
            record.finished.set()
            self._site.changes.notify()

        if record.disconnected.is_set() and record.http_version == "2":
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(writer.finish_abandoned(), _LAST_CHUNK_SECONDS)

    async def _respond(
        self, answer: Coroutine[Any, Any, None], writer: ResponseWriter, receive: Receive
    ) -> None:
        """Run the coroutine `answer`, which sends the response. If the client disconnects, cancel the coroutine."""
        responding = asyncio.ensure_future(answer)
        disconnecting = asyncio.ensure_future(_read_body(receive))
        try:
            await asyncio.wait({responding, disconnecting}, return_when=asyncio.FIRST_COMPLETED)
            if writer.state is ResponseState.ENDING:
                await asyncio.wait({responding}, timeout=_LAST_CHUNK_SECONDS)
            if not responding.done() and writer.state is not ResponseState.DROPPED and not self.closing:
                writer.record.disconnected.set()
        finally:
            responding.cancel()
            disconnecting.cancel()
            await asyncio.wait({responding, disconnecting})

    async def _answer(self, scope: Scope, writer: ResponseWriter) -> None:
        try:
            step = self._intercept(writer.record)
            if step is not None:
                await play(step, writer)
            else:
                await self._app(scope, _receive_nothing, writer.asgi_send)
        except Exception as error:
            self._site.note_error(error)
            if writer.state is not ResponseState.ENDING:
                await writer.drop()

    def _intercept(self, record: RecordedRequest) -> Step | None:
        """Return the response that is sent instead of the endpoint's response, or None if the endpoint must respond.

        The response comes from a fault, a challenge, a redirect, or an answer that the test has scripted for the request's path.
        """
        site = self._site
        with site.lock:
            if (refusal := site.injections.refuse(site, record)) is not None:
                return site.session.respond(record, refusal)

            if (challenge := site.challenges.intercept(record)) is not None:
                return challenge
            if site.redirect_to is not None:
                return Answer(308, headers=[("location", site.redirect_to + record.target)])

            scripted = site.script.next_for_path(record.path)
            return None if scripted is None else site.session.respond(record, scripted)


async def _read_body(receive: Receive) -> tuple[bytes, bool]:
    """Read the body until its end, or until the client disconnects.

    :return: a pair of the bytes that were read and a bool, which is True if the client has disconnected.
    """
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts), True

        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts), False


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _make_record(scope: Scope, body: bytes) -> RecordedRequest:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    return RecordedRequest(
        method=scope.get("method", "GET"),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        raw_headers=headers,
        body=body,
        http_version=scope["http_version"],
    )
