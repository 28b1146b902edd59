"""A message sender over the in-memory transport: no browser, no network."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from chatgpt_browser._client.base_client import default_options
from chatgpt_browser._core.models import Head, Prompt
from chatgpt_browser._messaging.deadline import Deadline
from chatgpt_browser._messaging.lease import StandaloneSlot
from chatgpt_browser._messaging.reply_stream import AsyncReplyStream
from chatgpt_browser._messaging.sender import MessageSender
from chatgpt_browser._protocol.cookies import SessionToken
from chatgpt_browser._transport.memory import MemoryTransport
from chatgpt_browser._transport.response_stream import ResponseStream
from tests.support.scripted_site import event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chatgpt_browser import AbortSignal
    from chatgpt_browser._core.models import Request
    from chatgpt_browser._transport.base import OutgoingMessage
    from chatgpt_browser._transport.response_stream import Frame

DONE: dict[str, str] = {"type": "", "data": "[DONE]"}


def head(status: int = 200, content_type: str = "text/event-stream", **headers: str) -> Frame:
    """Return the head frame of a response."""
    all_headers = {"content-type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return ["head", Head(status, headers=all_headers)]


def events(*items: dict[str, Any]) -> Frame:
    """Return a frame with these events, each as JSON; the last event of a stream is ``DONE``."""
    reduced = [item if item is DONE else {"type": "", "data": json.dumps(item)} for item in items]
    return ["events", reduced, 1]


def reply(text: str = "Hello") -> list[Frame]:
    """Return the frames of a complete reply."""
    return [head(), events(event(text), DONE)]


def body(status: int, text: str, content_type: str = "application/json", **headers: str) -> list[Frame]:
    """Return the frames of a response that is not an event stream."""
    return [head(status, content_type, **headers), ["text", text, len(text)], ["end"]]


class MemoryBrowserManager:
    """Takes the place of ``BrowserManager``: its page answers session and backend requests from memory."""

    protocol = "h2"

    def __init__(self, site: Any, send_via: str) -> None:
        self.site = site
        #: True if messages are sent by the site's page.
        self.needs_site_page = send_via == "page"
        self.session_token = SessionToken.parse("session-token-of-a-test")
        self.former_tokens: list[SessionToken] = []
        #: JSON values by the path of a backend request; other paths are not found.
        self.backend: dict[str, Any] = {}
        #: Maps the path of a backend request to the frames of the error response.
        self.failures: dict[str, list[Frame]] = {}
        self.access_tokens: list[str] = []
        self.challenges_passed = 0

    async def page(self) -> MemoryBrowserManager:
        return self

    def open(self, request: Request) -> ResponseStream:
        stream = ResponseStream(self)
        if request.url == self.site.session_url:
            self.access_tokens.append(f"access-token-number-{len(self.access_tokens)}")
            data: Any = {"user": {}, "accessToken": self.access_tokens[-1], "expires": None}
        else:
            data = self.backend.get(request.url.removeprefix(self.site.backend_api_base_url))
        failure = self.failures.get(request.url.removeprefix(self.site.backend_api_base_url))
        for frame in failure or body(404 if data is None else 200, json.dumps(data)):
            stream.deliver(frame)
        stream.request_ended()
        return stream

    def require_site_page(self) -> None:
        self.needs_site_page = True

    async def pass_challenge(self) -> None:
        self.challenges_passed += 1

    async def update_session_token(self) -> None:
        """Do nothing: there are no cookies."""

    def noting_origin_error(self) -> AbstractContextManager[None]:
        return nullcontext()

    def grant(self, chars: int) -> None:
        """Do nothing: all frames are in memory."""

    def abort(self) -> bool:
        return True


class MemorySite:
    """A message sender whose messages are handled by functions, one for each transport."""

    def __init__(
        self,
        handler: Callable[[OutgoingMessage], Iterable[Frame]],
        *,
        page_handler: Callable[[OutgoingMessage], Iterable[Frame]] | None = None,
        **options: Any,
    ) -> None:
        self.messages: list[OutgoingMessage] = []
        #: Set when the first message is sent.
        self.sent = asyncio.Event()
        self.options = default_options(**options)
        self.browser = MemoryBrowserManager(self.options.site, self.options.send_via)
        self.transport = MemoryTransport(self._recording(handler))
        self.page_transport = MemoryTransport(self._recording(page_handler or handler))
        self.page_transport.needs_newest_turn = self.page_transport.may_renew_session = True
        self.page_transport.can_resend_refused = False
        manager: Any = self.browser
        self.sender = MessageSender(
            self.options, manager, fetch=self.transport, site_pages=self.page_transport
        )

    def _recording(
        self, handler: Callable[[OutgoingMessage], Iterable[Frame]]
    ) -> Callable[[OutgoingMessage], Iterable[Frame]]:
        def record(message: OutgoingMessage) -> Iterable[Frame]:
            self.messages.append(message)
            self.sent.set()
            return handler(message)

        return record

    def stream(
        self,
        text: str = "Hi",
        *,
        timeout: float = math.inf,
        signal: AbortSignal | None = None,
        **position: Any,
    ) -> AsyncReplyStream:
        """Return the stream of a message, which is sent when the stream is read. ``timeout`` is in seconds."""
        slot = StandaloneSlot(Prompt(text, **position))
        return AsyncReplyStream(self.sender, slot, Deadline(timeout, signal))
