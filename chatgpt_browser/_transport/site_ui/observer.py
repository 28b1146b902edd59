"""Watches the site's own page send a message, from outside, and passes on what it is answered.

The DevTools protocol tells what goes over a page's network and gives a response's body as it arrives. Nothing is put into the
page for this, and nothing of its own is changed.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
import json
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_response import head_from_cdp
from ..._browser.playwright_errors import to_library_error
from ..._core.errors import PageError, StreamInterruptedError
from ..._protocol.sse import EventReader
from ..response_stream import ResponseStream

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from playwright.async_api import CDPSession

    from ..._core.errors import ChatGPTError
    from ..._core.models import Head
    from ..._core.urls import Site
    from ..base import Delivery
    from ..response_stream import RequestControl

__all__ = ["Loading", "Observer", "CapturedRequest", "read_posted"]

logger = logging.getLogger("chatgpt_browser")

#: What a browser writes in place of bytes that are no UTF-8.
_DAMAGE = "\ufffd".encode()


class Observer:
    """Over one message. ``on_over`` is called once: when its request has ended, whoever ended it."""

    def __init__(
        self,
        cdp: CDPSession,
        site: Site,
        line: RequestControl,
        delivery: Delivery,
    ) -> None:
        self._cdp = cdp
        self._delivery = delivery
        self._addresses = site.message_urls
        self.exchange = ResponseStream(line)
        #: Set when the page has sent the message, or can't any more: then ``failure`` says why.
        self.sent = asyncio.Event()
        self.failure: ChatGPTError | None = None
        #: What the page has sent, as far as that is to be seen.
        self.posted = CapturedRequest()
        #: The request was refused, or its connection broke: a page may try such a one again by itself.
        self.came_to_nothing = False
        self._request: str | None = None
        self._answered = False
        self._events: EventReader | None = None
        self._text = codecs.getincrementaldecoder("utf-8")("replace")  # of what is no stream of events
        self._length = 0
        self._streaming = False
        self._waiting: list[bytes] = []  # what has come before the browser said what had come before that,
        self._early: list[bytes] = []  # and before the head
        self._tasks: set[asyncio.Task[None]] = set()
        self._streamed = asyncio.Event()  # the body is being streamed, or can't be
        self._listeners = {
            "Network.requestWillBeSent": self._sent,
            "Network.responseReceived": self._responded,
            "Network.dataReceived": self._received,
            "Network.loadingFinished": self._finished,
            "Network.loadingFailed": self._failed,
            "Page.frameNavigated": self._left,
        }
        for event, listener in self._listeners.items():
            cdp.on(event, listener)
        self.exchange.when_over(self.stop)

    def stop(self) -> None:
        """Watch no more."""
        for event, listener in self._listeners.items():
            self._cdp.remove_listener(event, listener)
        self._listeners = {}

    # ---- what the browser tells --------------------------------------------------------------------------------------

    def _sent(self, event: dict[str, Any]) -> None:
        request = event["request"]
        if (
            self._request is None
            and request["method"] == "POST"
            and request["url"].partition("?")[0] in self._addresses
        ):
            self._request = event["requestId"]
            self.posted = read_posted(request.get("postData"))
            self._delivery.confirm(self.posted.message_id)
            self.sent.set()
            # Before there is an answer: of one that breaks off at once, nothing could be had later.
            self._spawn(self._stream())

    def _responded(self, event: dict[str, Any]) -> None:
        if event["requestId"] != self._request:
            return
        head = head_from_cdp(event["response"])
        if head.ok and not head.is_document:
            self._events = EventReader()
        self._answered = True
        self.came_to_nothing = not head.ok
        self.exchange.deliver(["head", _head_frame(head)])
        for chunk in self._early:
            self._take(chunk)
        self._early = []

    def _received(self, event: dict[str, Any]) -> None:
        if event["requestId"] != self._request:
            return
        self._length += event["dataLength"]
        if not event.get("data"):
            return
        chunk = base64.b64decode(event["data"])
        if self._streaming:
            self._take(chunk)
        else:
            self._waiting.append(chunk)

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] == self._request:
            self._spawn(self._finish())

    def _failed(self, event: dict[str, Any]) -> None:
        if event["requestId"] == self._request:
            self.came_to_nothing = not event.get("canceled")
            self._spawn(self._fail(event["errorText"]))

    def _left(self, event: dict[str, Any]) -> None:
        """The page was loaded anew, or is another. Of what the one before had under way, the browser tells no more."""
        if "parentId" in event["frame"]:
            return
        if self._request is None:
            self.fail(
                PageError(
                    "the site's page was loaded anew when it was told to send; no message was seen to go out"
                )
            )
        else:
            self.fail(
                StreamInterruptedError(
                    "the reply broke off: the site's page was loaded anew in the middle of it"
                )
            )

    # ---- what is passed on -------------------------------------------------------------------------------------------

    async def _stream(self) -> None:
        """Have the body given to us as it arrives. Where it is all there already, it is fetched in the end."""
        try:
            answer = await self._cdp.send("Network.streamResourceContent", {"requestId": self._request})
        except PlaywrightError as exc:
            logger.debug("the reply can't be had as it arrives: %s", to_library_error(exc))
        else:
            self._streaming = True
            waiting, self._waiting = self._waiting, []
            for chunk in (base64.b64decode(answer["bufferedData"]), *waiting):
                self._take(chunk)
        finally:
            self._streamed.set()

    async def _finish(self) -> None:
        await self._streamed.wait()
        if not self._streaming:
            body = await self._cdp.send("Network.getResponseBody", {"requestId": self._request})
            encoded = body["base64Encoded"]
            self._take(base64.b64decode(body["body"]) if encoded else self._encoded(body["body"]))
        self._take(b"", final=True)
        self._deliver(["end"])
        self.exchange.request_ended()

    async def _fail(self, error: str) -> None:
        await self._streamed.wait()
        self._deliver(["error", "body" if self._answered else "head", "NetworkError", error])
        self.exchange.end()

    def _encoded(self, text: str) -> bytes:
        """The bytes of a body that the browser gives as text. Where they were no UTF-8, it has put a mark of another length."""
        whole = text.encode()
        return whole if len(whole) == self._length else whole.replace(_DAMAGE, b"\xff", 1)

    def _take(self, chunk: bytes, *, final: bool = False) -> None:
        if not self._answered:
            self._early.append(chunk)
            return
        if self._events is None:
            if text := self._text.decode(chunk, final):
                self._deliver(["text", text, len(chunk)])
            return
        events = self._events.feed(chunk, final=final)
        self._deliver(["events", events, len(chunk)] if events else ["alive"])
        if self._events.is_damaged and not self.exchange.is_settled:
            self._deliver(["error", "body", "EncodingError", "the body is not valid UTF-8"])
            self.exchange.abort_request()
        elif self._events.last:  # however long the connection stays open
            self.exchange.request_ended()

    def _deliver(self, frame: list[Any]) -> None:
        self.exchange.deliver(frame)

    def fail(self, error: ChatGPTError) -> None:
        """Nothing more comes from this page."""
        self.failure = self.failure or error
        self.exchange.fail(error)
        self.sent.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        errand = asyncio.get_running_loop().create_task(work)
        self._tasks.add(errand)
        errand.add_done_callback(self._done)

    def _done(self, errand: asyncio.Task[None]) -> None:
        self._tasks.discard(errand)
        error = None if errand.cancelled() else errand.exception()
        if isinstance(error, Exception):
            self.fail(to_library_error(error))


def _head_frame(head: Head) -> dict[str, Any]:
    """Return the contents of a head frame."""
    return {
        "status": head.status,
        "statusText": head.status_text,
        "headers": head.headers,
        "redirected": head.redirected,
    }


class CapturedRequest(NamedTuple):
    """What a page has sent as a message; None for what could not be read."""

    message_id: str | None = None
    text: str | None = None
    conversation_id: str | None = None
    parent_message_id: str | None = None


def read_posted(body: str | None) -> CapturedRequest:
    """A message out of a request's body: what is not understood is left alone."""
    try:
        data = json.loads(body or "")
        message = data["messages"][-1]
        parts = message["content"]["parts"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return CapturedRequest()
    text = parts[0] if isinstance(parts, list) and len(parts) == 1 else None
    found = (message.get("id"), text, data.get("conversation_id"), data.get("parent_message_id"))
    return CapturedRequest(*(value if isinstance(value, str) else None for value in found))


class Loading:
    """Watches a page load one thing of its own, by its URL. A context manager, from before the page goes there."""

    def __init__(self, cdp: CDPSession, url: str) -> None:
        self._cdp = cdp
        self._url = url
        self._requests: set[str] = set()
        #: Set when it is there.
        self.done = asyncio.Event()
        self._listeners = {
            "Network.requestWillBeSent": self._sent,
            "Network.responseReceived": self._answered,
            "Network.loadingFinished": self._finished,
        }

    def __enter__(self) -> Loading:
        for event, listener in self._listeners.items():
            self._cdp.on(event, listener)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for event, listener in self._listeners.items():
            self._cdp.remove_listener(event, listener)

    def _sent(self, event: dict[str, Any]) -> None:
        request = event["request"]
        if request["method"] == "GET" and request["url"].partition("?")[0] == self._url:
            self._requests.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._requests:
            self.done.set()

    def _answered(self, event: dict[str, Any]) -> None:
        if not 200 <= event["response"]["status"] < 300:
            self._requests.discard(event["requestId"])
