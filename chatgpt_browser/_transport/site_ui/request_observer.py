"""Observes the request with which the site's page sends a message, and the reply to this message.

The DevTools protocol reports the page's network traffic, and each part of the response's body as soon as it arrives. No script is
injected into the page.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners
from ..._browser.playwright_errors import to_library_error
from ..._core.background import BackgroundTasks
from ..._core.errors import PageError, StreamInterruptedError
from ..response_stream import ResponseStream
from .captured_request import CapturedRequest, parse_captured_request
from .connection_log import ConnectionLog
from .http_feed import HttpFeed
from .posted_body import body_of, read_offset
from .repetition_guard import RepetitionGuard
from .reply_continuation import ReplyContinuation

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import CDPSession

    from ..._core.errors import ChatGPTError
    from ..._core.urls import Site
    from ..base import Delivery
    from ..response_stream import Frame


#: Time limit in seconds within which the browser must return the body of a request.
_READ_TIMEOUT = 5.0


class ObserverState(Enum):
    """The states of a :class:`RequestObserver`, in chronological order."""

    #: The page has not sent the message.
    UNSENT = "unsent"
    #: The page has sent the message, and the response has not begun.
    SENT = "sent"
    #: The head of the response has arrived.
    RESPONDING = "responding"
    #: The stream is over, and the listeners are removed.
    ENDED = "ended"


class RequestObserver:
    """Observes one message of a page, and writes the response to :attr:`stream`.

    States of the observer (if the page fails, each state changes to ENDED)::

        UNSENT --POST with the message--> SENT --response head--> RESPONDING --stream over--> ENDED

    The stream's frames come from one source at a time: first from the response to the message, then from a request or a WebSocket
    with the rest of the reply (see :mod:`.reply_continuation`).
    The observer is also the stream's ``RequestControl``. To stop the reply, it calls ``on_abort(observer)``. This function
    returns False if the reply will end later, and True if there is no reply to stop.
    """

    def __init__(
        self,
        cdp: CDPSession,
        site: Site,
        delivery: Delivery,
        on_abort: Callable[[RequestObserver], bool],
        connections: ConnectionLog | None = None,
    ) -> None:
        #: The stream of the response.
        self.stream: ResponseStream = ResponseStream(self)
        self.state = ObserverState.UNSENT
        #: An event that is set when the page has sent the message or has failed.
        self.sent: asyncio.Event = asyncio.Event()
        #: The reason why the page failed, or None.
        self.failure: ChatGPTError | None = None
        #: The message that the page has sent.
        self.captured: CapturedRequest = CapturedRequest()
        self._cdp = cdp
        self._message_urls = site.message_urls
        self._delivery = delivery
        self._on_abort = on_abort
        self._connections = connections or ConnectionLog()
        #: Maps the id of a request to the :class:`HttpFeed` of its response. The first item is the response to the message.
        self._feeds: dict[str, HttpFeed] = {}
        self._continuation = ReplyContinuation(self.stream)
        self._tasks = BackgroundTasks(on_error=lambda error: self.fail(to_library_error(error)))
        self._guard = RepetitionGuard(cdp, site.message_urls, self._tasks)
        listeners = {
            "Network.requestWillBeSent": self._on_request,
            "Network.responseReceived": self._on_response,
            "Network.dataReceived": self._on_data,
            "Network.loadingFinished": self._on_finished,
            "Network.loadingFailed": self._on_failed,
            "Network.webSocketFrameReceived": self._continuation.add_socket_frame,
            "Network.webSocketClosed": self._continuation.close_socket,
            "Fetch.requestPaused": self._guard.on_paused,
            "Page.frameNavigated": self._on_navigated,
        }
        self._remove_listeners = add_listeners(cdp, listeners)
        self.stream.when_over(self._end)

    def fail(self, error: ChatGPTError) -> None:
        """End the stream with an error of the page. ``failure`` keeps the error of the first call."""
        self.failure = self.failure or error
        self.stream.fail(error)
        self.sent.set()

    async def withdraw(self, error: ChatGPTError) -> None:
        """Prevent the page from sending the message, and end the stream with this error. If the message was sent, do nothing.

        A command makes the browser block requests with a message. The browser reports events in order: if it has reported no
        request when it replies to the command, every later request is blocked. The page may still try to send the message, so the
        page stays blocked and must not be used again.
        """
        blocked = [f"{url}*" for url in self._message_urls]
        await self._cdp.send("Network.setBlockedURLs", {"urls": blocked})
        if self.state is ObserverState.UNSENT:
            self._delivery.withdraw()
            self.fail(error)
        else:
            await self._cdp.send("Network.setBlockedURLs", {"urls": []})

    async def expect_repetition(self) -> None:
        """Block further requests with the message, because the page may react to two clicks on the send button.

        Call this method after the page has sent the message.
        """
        self._guard.may_react_late = True
        await self._guard.block()

    @property
    def may_be_repeated(self) -> bool:
        """True if the page may send the message again by itself. Then the page must not be used for another message."""
        return self._guard.is_needed

    def grant(self, chars: int) -> None:
        """Do nothing: the page may read any number of characters, because the client cannot limit them."""

    def abort(self) -> bool:
        """Begin to stop the reply. Return True if the reply has already ended, and False if it will end later."""
        return self._on_abort(self)

    def _end(self) -> None:
        self.state = ObserverState.ENDED
        self._remove_listeners()
        if self._continuation.is_complete:
            self._guard.note_complete()

    # ---- Events of the browser ---------------------------------------------------------------------------------------

    def _on_request(self, event: dict[str, Any]) -> None:
        request = event["request"]
        url = request["url"].partition("?")[0]
        is_message = request["method"] == "POST" and url in self._message_urls
        if self.state is ObserverState.RESPONDING and url.removesuffix("/resume") in self._message_urls:
            if not is_message:
                self._follow(event["requestId"], read_offset(body_of(request)))
            return
        if self.state is not ObserverState.UNSENT or not is_message:
            return
        self.state = ObserverState.SENT
        self._delivery.confirm(None)
        request_id = event["requestId"]
        self._feeds[request_id] = HttpFeed(self._cdp, request_id, self._deliver, self._tasks)
        body = body_of(request)
        if body is None and request.get("hasPostData"):
            self._tasks.spawn(self._read_request(request, request_id))
        else:
            self._capture(request, body)

    def _follow(self, request_id: str, offset: int) -> None:
        """Observe the response to the page's request for the rest of the reply."""

        def deliver(frame: Frame) -> None:
            self._continuation.add_frame(request_id, frame, offset)

        self._feeds[request_id] = HttpFeed(self._cdp, request_id, deliver, self._tasks)

    async def _read_request(self, request: dict[str, Any], request_id: str) -> None:
        """Read a request body that the event does not contain, because it is long or a blob. Then capture the request."""
        body: bytes | str | None = None
        with anyio.move_on_after(_READ_TIMEOUT), suppress(PlaywrightError):
            result = await self._cdp.send("Network.getRequestPostData", {"requestId": request_id})
            body = base64.b64decode(result["postData"]) if result.get("base64Encoded") else result["postData"]
        self._capture(request, body)

    def _capture(self, request: dict[str, Any], body: bytes | str | None) -> None:
        headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
        self.captured = parse_captured_request(body, headers.get("content-type", ""))
        self._delivery.confirm(self.captured.message_id)
        self.sent.set()

    def _is_message(self, event: dict[str, Any]) -> bool:
        """Return whether an event belongs to the request with the message."""
        return bool(event["requestId"] == next(iter(self._feeds), None))

    def _on_response(self, event: dict[str, Any]) -> None:
        if (feed := self._feeds.get(event["requestId"])) is None:
            return
        if self._is_message(event):
            self._connections.check_message(event)
        feed.respond(event)

    def _on_data(self, event: dict[str, Any]) -> None:
        if (feed := self._feeds.get(event["requestId"])) is not None:
            feed.add(event)

    def _on_finished(self, event: dict[str, Any]) -> None:
        if (feed := self._feeds.get(event["requestId"])) is not None:
            feed.finish()

    def _on_failed(self, event: dict[str, Any]) -> None:
        if (feed := self._feeds.get(event["requestId"])) is None:
            return
        if self._is_message(event):
            self._guard.has_failed = not event.get("canceled")
        feed.fail(event)

    def _on_navigated(self, event: dict[str, Any]) -> None:
        """Fail if the main frame has navigated, because the browser stops reporting the requests of the previous document."""
        if "parentId" in event["frame"]:
            return
        error: ChatGPTError
        if self.state is ObserverState.UNSENT:
            error = PageError(
                "The site's page reloaded after the send button was clicked, and no request with the message was observed. "
                "It may still have been sent: check the conversation before you send it again."
            )
        else:
            error = StreamInterruptedError("The site's page reloaded during the reply. The message was sent.")
        self.fail(error)

    # ---- Frames for the stream ---------------------------------------------------------------------------------------

    def _deliver(self, frame: Frame) -> None:
        """Deliver a frame of the response to the message."""
        kind, *rest = frame
        if kind == "head":
            self.state = ObserverState.RESPONDING
            self._guard.has_failed = not rest[0].ok
        was_settled = self.stream.is_settled
        if not self._continuation.has_begun:
            self._continuation.note(frame)
            self.stream.deliver(frame)
        if kind == "error" and rest[1] == "EncodingError":
            if not was_settled:
                self.stream.abort_request()
        elif kind in ("end", "error") or next(iter(self._feeds.values())).is_complete:
            self._on_response_ended(is_canceled=kind == "error" and not self._guard.has_failed)

    def _on_response_ended(self, *, is_canceled: bool) -> None:
        self._continuation.begin(is_canceled=is_canceled)
        self.stream.request_ended()
        if self._guard.has_failed and self.stream.may_continue:
            self._tasks.spawn(self._guard.block())
