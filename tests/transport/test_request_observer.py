"""Observation of the page's message request: states, frames and listeners, with a CDP session in memory."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from playwright.async_api import Error as PlaywrightError

from chatgpt_browser import BrowserError, PageError, StreamInterruptedError
from chatgpt_browser._core.urls import Site
from chatgpt_browser._protocol.sse import DONE
from chatgpt_browser._transport.base import Delivery, DeliveryState
from chatgpt_browser._transport.site_ui.request_observer import ObserverState, RequestObserver
from tests.support.cdp_event_source import CDPEventSource

pytestmark = pytest.mark.anyio

SITE = Site("https://chatgpt.com/api", "https://chatgpt.com/backend-api")
URL = "https://chatgpt.com/backend-api/f/conversation"
STREAM = "Network.streamResourceContent"
EVENT = b'data: {"v": 1}\n\n'
LAST = f"data: {DONE}\n\n".encode()
HANDOFF = b'data: {"type": "stream_handoff"}\n\n'
NO_BYTES = {"bufferedData": ""}
UNSENT, SENT, RESPONDING, ENDED = ObserverState
MAIN_FRAME: dict[str, Any] = {"id": "main"}


class ObservedPage:
    """An observer on an in-memory session, with the events that a browser emits for one message."""

    def __init__(self, *, nothing_to_stop: bool = False) -> None:
        self.cdp = CDPEventSource()
        self.delivery = Delivery()
        self.aborted: list[RequestObserver] = []
        self._nothing_to_stop = nothing_to_stop
        self.observer = RequestObserver(self.cdp.session, SITE, self.delivery, self._abort)
        self.delivery.start()
        self._states = [self.observer.state]

    def _abort(self, observer: RequestObserver) -> bool:
        self.aborted.append(observer)
        return self._nothing_to_stop

    @property
    def states(self) -> list[ObserverState]:
        """The states so far, each of them once. Reading this property adds the current state."""
        if self.observer.state is not self._states[-1]:
            self._states.append(self.observer.state)
        return self._states

    def request(self, method: str = "POST", url: str = URL, request_id: str = "1") -> None:
        """Emit a request."""
        body = json.dumps({"messages": [{"id": "m", "content": {"parts": ["Hello"]}}]})
        request = {"method": method, "url": url, "postData": body}
        self.cdp.emit("Network.requestWillBeSent", requestId=request_id, request=request)

    def respond(self, status: int = 200, content_type: str = "text/event-stream") -> None:
        """Emit the head of the response."""
        response = {"status": status, "statusText": "", "headers": {"Content-Type": content_type}}
        self.cdp.emit("Network.responseReceived", requestId="1", response=response)

    def receive(self, chunk: bytes) -> None:
        """Emit a chunk of the body."""
        data = base64.b64encode(chunk).decode()
        self.cdp.emit("Network.dataReceived", requestId="1", dataLength=len(chunk), data=data)

    def navigate(self) -> None:
        """Emit a navigation of the main frame."""
        self.cdp.emit("Page.frameNavigated", frame=MAIN_FRAME)

    async def stream_body(self) -> None:
        """Let the browser agree to stream the body."""
        self.cdp.complete(STREAM, NO_BYTES)
        await run_tasks()

    async def frames(self, count: int) -> list[Any]:
        """Return the next frames, without the head's details, without sizes and without ``alive`` frames."""
        frames: list[Any] = []
        while len(frames) < count:
            kind, *rest = await self.observer.stream.receive()
            if kind != "alive":
                frames.append((kind, rest[0]) if kind in ("events", "text") else kind)
        return frames


async def run_tasks() -> None:
    """Run the tasks of the loop that are ready."""
    for _ in range(5):
        await asyncio.sleep(0)


def event(data: bytes) -> dict[str, str]:
    """Return the event that a chunk with one event is decoded to."""
    return {"type": "", "data": data.decode().removeprefix("data: ").strip()}


async def test_observer_complete_response_passes_through_all_states() -> None:
    page = ObservedPage()
    assert not page.observer.sent.is_set()
    page.request()
    assert (page.delivery.state, page.delivery.message_id) == (DeliveryState.SENT, "m")
    assert page.observer.sent.is_set()
    assert page.states == [UNSENT, SENT]
    await page.stream_body()
    page.respond()
    assert page.states == [UNSENT, SENT, RESPONDING]
    page.receive(EVENT)
    page.cdp.emit("Network.loadingFinished", requestId="1")
    await run_tasks()

    assert page.states == [UNSENT, SENT, RESPONDING, ENDED]
    assert await page.frames(3) == ["head", ("events", [event(EVENT)]), "end"]
    assert page.cdp.listeners == []
    assert page.observer.stream.is_over
    assert (page.observer.may_be_repeated, page.observer.failure) == (False, None)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", URL),
        ("POST", "https://chatgpt.com/backend-api/f/conversation/prepare"),
        ("POST", "about:blank"),
    ],
)
async def test_observer_other_request_stays_unsent(method: str, url: str) -> None:
    page = ObservedPage()
    page.request(method, url)
    assert page.states == [UNSENT]
    page.request(url=f"{URL}?query")
    assert page.states == [UNSENT, SENT]


async def test_observer_second_message_request_is_ignored() -> None:
    page = ObservedPage()
    page.request()
    page.request(request_id="2")
    page.cdp.emit("Network.loadingFailed", requestId="2", errorText="net::ERR_FAILED")
    await page.stream_body()

    assert page.states == [UNSENT, SENT]
    assert [params for _, params in page.cdp.commands] == [{"requestId": "1"}]


async def test_observer_last_event_ends_before_connection_closes() -> None:
    page = ObservedPage()
    page.request()
    await page.stream_body()
    page.respond()
    page.receive(EVENT + LAST)

    assert page.states == [UNSENT, ENDED]
    assert await page.frames(2) == ["head", ("events", [event(EVENT), event(LAST)])]


async def test_observer_navigation_before_request_fails_with_page_error() -> None:
    page = ObservedPage()
    page.cdp.emit("Page.frameNavigated", frame={"id": "child", "parentId": "main"})
    assert page.states == [UNSENT]
    page.navigate()

    assert page.states == [UNSENT, ENDED]
    assert page.delivery.state is DeliveryState.IN_DOUBT
    assert isinstance(page.observer.failure, PageError)
    assert page.observer.sent.is_set()


@pytest.mark.parametrize("has_head", [False, True])
async def test_observer_navigation_after_request_interrupts_the_reply(has_head: bool) -> None:
    page = ObservedPage()
    page.request()
    if has_head:
        page.respond()
    assert page.states == [UNSENT, RESPONDING if has_head else SENT]
    page.navigate()

    assert page.states[2:] == [ENDED]
    if has_head:
        assert await page.frames(1) == ["head"]
    with pytest.raises(StreamInterruptedError, match="reloaded during the reply"):
        await page.observer.stream.receive()


@pytest.mark.parametrize("has_head", [False, True])
@pytest.mark.parametrize("is_canceled", [False, True])
async def test_observer_failed_request_ends_with_error_frame(has_head: bool, is_canceled: bool) -> None:
    page = ObservedPage()
    page.request()
    if has_head:
        page.respond()
    error = "net::ERR_ABORTED"
    page.cdp.emit("Network.loadingFailed", requestId="1", errorText=error, canceled=is_canceled)
    await run_tasks()
    assert page.states == [UNSENT, RESPONDING if has_head else SENT], "the browser may still hold bytes"
    await page.stream_body()

    assert page.states[2:] == [ENDED]
    assert page.observer.may_be_repeated is not is_canceled
    if has_head:
        assert await page.frames(1) == ["head"]
        assert await page.observer.stream.receive() == ["alive"]
    part = "body" if has_head else "head"
    assert await page.observer.stream.receive() == ["error", part, "NetworkError", error]


async def test_observer_refused_request_may_be_repeated() -> None:
    page = ObservedPage()
    page.request()
    await page.stream_body()
    page.respond(403, "application/json")
    page.receive(b'{"detail": "no"}')

    assert page.states == [UNSENT, RESPONDING]
    assert page.observer.may_be_repeated
    assert await page.frames(2) == ["head", ("text", '{"detail": "no"}')]


@pytest.mark.parametrize("is_finished", [True, False])
async def test_observer_handed_off_reply_lasts_until_reader_leaves(is_finished: bool) -> None:
    page = ObservedPage(nothing_to_stop=True)
    page.request()
    await page.stream_body()
    page.respond()
    page.receive(HANDOFF + LAST)
    page.cdp.emit("Network.loadingFinished", requestId="1")
    await run_tasks()
    assert page.states == [UNSENT, RESPONDING]
    page.observer.stream.leave(finished=is_finished)

    assert page.states == [UNSENT, RESPONDING, ENDED]
    assert page.aborted == ([] if is_finished else [page.observer])


async def test_observer_damaged_body_reports_error_and_stops_reply() -> None:
    page = ObservedPage()
    page.request()
    await page.stream_body()
    page.respond()
    page.receive(EVENT + b"data: \xff\n\n")
    page.receive(b"data: more\n\n")

    assert page.aborted == [page.observer]
    assert await page.frames(2) == ["head", ("events", [event(EVENT)])]
    assert (await page.observer.stream.receive())[2] == "EncodingError"
    assert page.states == [UNSENT, RESPONDING], "the page has not stopped the reply yet"


async def test_observer_early_chunks_keep_their_order() -> None:
    page = ObservedPage()
    chunks = [f"data: {number}\n\n".encode() for number in range(4)]
    page.request()
    await run_tasks()
    page.receive(chunks[1])
    page.cdp.complete(STREAM, {"bufferedData": base64.b64encode(chunks[0]).decode()})
    await run_tasks()
    page.receive(chunks[2])
    page.respond()
    page.receive(chunks[3])

    assert await page.frames(5) == ["head", *(("events", [event(chunk)]) for chunk in chunks)]


async def test_observer_unreadable_body_fails_the_stream() -> None:
    page = ObservedPage()
    page.request()
    page.cdp.complete(STREAM, PlaywrightError("no stream"))
    page.respond()
    page.cdp.emit("Network.loadingFinished", requestId="1")
    page.cdp.complete("Network.getResponseBody", PlaywrightError("No resource with given identifier found"))
    await run_tasks()

    assert page.states == [UNSENT, ENDED]
    assert await page.frames(1) == ["head"]
    with pytest.raises(BrowserError, match="No resource"):
        await page.observer.stream.receive()


@pytest.mark.parametrize("is_sent", [False, True])
async def test_request_observer_withdrawal_blocks_message_unless_sent(is_sent: bool) -> None:
    """A page that has sent the message is used again, so its later messages must not be blocked."""
    page = ObservedPage()
    withdrawal = asyncio.ensure_future(page.observer.withdraw(PageError("a dialog")))
    await run_tasks()
    if is_sent:
        page.request()
    page.cdp.complete("Network.setBlockedURLs", {})
    await withdrawal

    blocked = [params["urls"] for method, params in page.cdp.commands if method == "Network.setBlockedURLs"]
    assert bool(blocked[-1]) is not is_sent
    assert page.delivery.state is (DeliveryState.SENT if is_sent else DeliveryState.NOT_STARTED)
    assert (page.observer.failure is None) is is_sent
