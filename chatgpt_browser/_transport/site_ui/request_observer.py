"""Observation of the request with which the site's page sends a message, and of its response.

The DevTools protocol reports the page's network traffic and the response's body as it arrives. Nothing is injected into the page.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners, read_head
from ..._browser.playwright_errors import to_library_error
from ..._core.background import BackgroundTasks
from ..._core.errors import PageError, StreamInterruptedError
from ..response_stream import ResponseStream
from .captured_request import CapturedRequest, parse_captured_request
from .connection_log import ConnectionLog
from .posted_body import body_of
from .response_body import BodyDecoder, BodySource

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import CDPSession

    from ..._core.errors import ChatGPTError
    from ..._core.urls import Site
    from ..base import Delivery


#: Limit in seconds for the browser to return the body of a request.
_READ_TIMEOUT = 5.0


class ObserverState(Enum):
    """The states of a :class:`RequestObserver`, in order."""

    #: The page has not sent the message.
    UNSENT = "unsent"
    #: The page has sent the message, and the response has not begun.
    SENT = "sent"
    #: The head of the response has arrived.
    RESPONDING = "responding"
    #: The stream is over, and the listeners are removed.
    ENDED = "ended"


class RequestObserver:
    """Observes one message of a page, and delivers the response to :attr:`stream`.

    States (a failure of the page leads from each state to ENDED)::

        UNSENT --POST with the message--> SENT --response head--> RESPONDING --stream over--> ENDED

    The observer is also the stream's ``RequestControl``. To stop the reply, it calls ``on_abort`` with itself, which returns True
    if there is nothing to stop. The 16 attributes stay in one class, since each handler of a network event uses most of them.
    """

    def __init__(
        self,
        cdp: CDPSession,
        site: Site,
        delivery: Delivery,
        on_abort: Callable[[RequestObserver], bool],
        connections: ConnectionLog | None = None,
    ) -> None:
        #: The response.
        self.stream = ResponseStream(self)
        #: The current state.
        self.state = ObserverState.UNSENT
        #: Set once the page has sent the message, or has failed to.
        self.sent = asyncio.Event()
        #: The reason why the page failed, or None.
        self.failure: ChatGPTError | None = None
        #: The message that the page has sent.
        self.captured = CapturedRequest()
        #: True if the request was refused or its connection broke. The page may send such a request again without being asked.
        self.may_be_repeated = False
        self._cdp = cdp
        self._message_urls = site.message_urls
        self._delivery = delivery
        self._on_abort = on_abort
        self._connections = connections or ConnectionLog()
        self._body: BodySource | None = None
        self._decoder: BodyDecoder | None = None
        #: Chunks that arrived before the head.
        self._early_chunks: list[bytes] = []
        self._tasks = BackgroundTasks(on_error=lambda error: self.fail(to_library_error(error)))
        listeners = {
            "Network.requestWillBeSent": self._on_request,
            "Network.responseReceived": self._on_response,
            "Network.dataReceived": self._on_data,
            "Network.loadingFinished": self._on_finished,
            "Network.loadingFailed": self._on_failed,
            "Page.frameNavigated": self._on_navigated,
        }
        self._remove_listeners = add_listeners(cdp, listeners)
        self.stream.when_over(self._end)

    def fail(self, error: ChatGPTError) -> None:
        """End the stream with an error of the page. The first error counts."""
        self.failure = self.failure or error
        self.stream.fail(error)
        self.sent.set()

    async def withdraw(self, error: ChatGPTError) -> None:
        """Prevent the page from sending the message, and fail with this error. Do nothing if the page has sent it already.

        The browser reports requests in order, so a request that it has not reported before its reply to the command is blocked.
        After a withdrawal the page stays blocked: it may still try to send the message, so it must not be used again.
        """
        blocked = [f"{url}*" for url in self._message_urls]
        await self._cdp.send("Network.setBlockedURLs", {"urls": blocked})
        if self.state is ObserverState.UNSENT:
            self._delivery.withdraw()
            self.fail(error)
        else:
            await self._cdp.send("Network.setBlockedURLs", {"urls": []})

    def grant(self, chars: int) -> None:
        """Do nothing: the page reads its response without limit."""

    def abort(self) -> bool:
        """Stop the reply. Return True if there is nothing to stop."""
        return self._on_abort(self)

    def _end(self) -> None:
        self.state = ObserverState.ENDED
        self._remove_listeners()

    # ---- Events of the browser ---------------------------------------------------------------------------------------

    def _on_request(self, event: dict[str, Any]) -> None:
        request = event["request"]
        is_message = request["method"] == "POST" and request["url"].partition("?")[0] in self._message_urls
        if self.state is not ObserverState.UNSENT or not is_message:
            return
        self.state = ObserverState.SENT
        self._delivery.confirm(None)
        self._body = BodySource(self._cdp, event["requestId"], self._on_chunk)
        self._tasks.spawn(self._body.open())
        body = body_of(request)
        if body is None and request.get("hasPostData"):
            self._tasks.spawn(self._read_request(request, event["requestId"]))
        else:
            self._capture(request, body)

    async def _read_request(self, request: dict[str, Any], request_id: str) -> None:
        """Read a request body that the event does not contain: a long one, or a blob."""
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

    def _body_of(self, event: dict[str, Any]) -> BodySource | None:
        """Return the body of the message's response, or None if the event belongs to another request."""
        is_ours = self._body is not None and event["requestId"] == self._body.request_id
        return self._body if is_ours else None

    def _on_response(self, event: dict[str, Any]) -> None:
        if self._body_of(event) is None:
            return
        self._connections.check_message(event)
        head = read_head(event["response"])
        self.state = ObserverState.RESPONDING
        self.may_be_repeated = not head.ok
        self._decoder = BodyDecoder(head)
        self.stream.deliver(["head", head])
        chunks, self._early_chunks = self._early_chunks, []
        for chunk in chunks:
            self._on_chunk(chunk)

    def _on_data(self, event: dict[str, Any]) -> None:
        if (body := self._body_of(event)) is not None:
            body.add(event)

    def _on_finished(self, event: dict[str, Any]) -> None:
        if (body := self._body_of(event)) is not None:
            self._tasks.spawn(self._finish(body))

    def _on_failed(self, event: dict[str, Any]) -> None:
        if (body := self._body_of(event)) is not None:
            self.may_be_repeated = not event.get("canceled")
            self._tasks.spawn(self._finish_with_error(body, event["errorText"]))

    def _on_navigated(self, event: dict[str, Any]) -> None:
        """Fail if the main frame has navigated: the browser reports no more about the requests of the previous document."""
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

    async def _finish(self, body: BodySource) -> None:
        await body.finish()
        self._on_chunk(b"", final=True)
        self.stream.deliver(["end"])
        self.stream.request_ended()

    async def _finish_with_error(self, body: BodySource, message: str) -> None:
        await body.wait_until_decided()
        part = "head" if self._decoder is None else "body"
        self.stream.deliver(["error", part, "NetworkError", message])
        self.stream.end()

    def _on_chunk(self, chunk: bytes, *, final: bool = False) -> None:
        if self._decoder is None:
            self._early_chunks.append(chunk)
            return
        frame = self._decoder.decode(chunk, final=final)
        if frame is not None:
            self.stream.deliver(frame)
        if self._decoder.is_damaged and not self.stream.is_settled:
            self.stream.deliver(["error", "body", "EncodingError", "the body is not valid UTF-8"])
            self.stream.abort_request()
        elif self._decoder.is_complete:  # The connection may stay open.
            self.stream.request_ended()
