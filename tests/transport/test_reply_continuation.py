"""Feeds of a reply outside the response to its message, with a CDP session in memory."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from chatgpt_browser._protocol.sse import DONE
from chatgpt_browser._transport.site_ui.request_observer import ObserverState
from tests.transport.test_request_observer import LAST, NO_BYTES, STREAM, URL, ObservedPage, event, run_tasks

pytestmark = pytest.mark.anyio

TOPIC = "conversation-turn-t"
HANDOFF = {
    "type": "stream_handoff",
    "conversation_id": "c",
    "options": [{"type": "subscribe_ws_topic", "topic_id": TOPIC}],
}
TOKEN = {"type": "resume_conversation_token", "token": "t", "conversation_id": "c"}


def line(value: Any) -> bytes:
    """Return an event with this JSON value."""
    return f"data: {json.dumps(value)}\n\n".encode()


ONE, TWO, THREE = (line({"v": number}) for number in (1, 2, 3))


class ContinuedPage(ObservedPage):
    """A page whose response to the message has begun, and that receives more by other requests and by WebSockets."""

    async def begin(self, *chunks: bytes) -> None:
        """Send the message, and receive the head of the response and these chunks."""
        self.request()
        await self.stream_body()
        self.respond()
        for chunk in chunks:
            self.receive(chunk)

    async def break_off(self) -> None:
        """Break the connection of the response to the message."""
        self.cdp.emit("Network.loadingFailed", requestId="1", errorText="net::ERR_RESET")
        await run_tasks()

    async def resume(self, request_id: str, offset: int, *chunks: bytes, status: int = 200) -> None:
        """Request the rest of the reply, and receive the response."""
        body = json.dumps({"conversation_id": "c", "offset": offset})
        request = {"method": "POST", "url": f"{URL}/resume", "postData": body}
        self.cdp.emit("Network.requestWillBeSent", requestId=request_id, request=request)
        await run_tasks()
        headers = {"Content-Type": "text/event-stream"}
        response = {"status": status, "statusText": "", "headers": headers}
        self.cdp.emit("Network.responseReceived", requestId=request_id, response=response)
        for chunk in chunks:
            data = base64.b64encode(chunk).decode()
            self.cdp.emit("Network.dataReceived", requestId=request_id, dataLength=len(chunk), data=data)

    def push(self, *items: bytes, topic: str = TOPIC, socket: str = "s", first_id: int = 0) -> None:
        """Receive a frame of a WebSocket with these items."""
        messages = [
            {
                "type": "message",
                "topic_id": topic,
                "payload": {"payload": {"stream_item_id": str(number), "encoded_item": each.decode()}},
            }
            for number, each in enumerate(items, start=first_id)
        ]
        frame = {"opcode": 1, "payloadData": json.dumps(messages)}
        self.cdp.emit("Network.webSocketFrameReceived", requestId=socket, response=frame)

    async def events(self, count: int) -> list[str]:
        """Return the data of this number of events, from the next frames. Other frames are skipped."""
        found: list[str] = []
        while len(found) < count:
            kind, *rest = await self.observer.stream.receive()
            if kind == "events":
                found += [each["data"] for each in rest[0]]
        return found


def data_of(*events: bytes) -> list[str]:
    """Return the data of events."""
    return [event(each)["data"] for each in events]


async def test_continuation_items_of_topic_follow_the_response() -> None:
    page = ContinuedPage()
    await page.begin(line(HANDOFF) + LAST)
    page.push(ONE)
    page.push(b"data: other\n\n", topic="conversation-turn-other", first_id=50)
    page.push(ONE, TWO)  # the first item is delivered twice
    page.push(LAST, first_id=2)

    assert await page.events(5) == [json.dumps(HANDOFF), DONE, *data_of(ONE, TWO), DONE]
    assert not page.observer.stream.has_frames
    page.observer.stream.leave(finished=True)
    assert page.observer.stream.is_over


async def test_continuation_early_items_wait_for_the_end_of_the_response() -> None:
    page = ContinuedPage()
    await page.begin(ONE)
    page.push(TWO)
    page.receive(line(HANDOFF))
    page.push(THREE, first_id=1)
    page.receive(LAST)

    assert await page.events(5) == [*data_of(ONE), json.dumps(HANDOFF), DONE, *data_of(TWO, THREE)]


async def test_continuation_closed_socket_ends_the_feed_and_another_socket_continues() -> None:
    page = ContinuedPage()
    await page.begin(line(HANDOFF) + LAST)
    page.push(ONE)
    page.push(b"data: same topic, other socket\n\n", socket="s2", first_id=10)
    page.cdp.emit("Network.webSocketClosed", requestId="s2")
    page.cdp.emit("Network.webSocketClosed", requestId="s")
    assert await page.events(3) == [json.dumps(HANDOFF), DONE, *data_of(ONE)]
    assert await page.frames(1) == ["end"]

    page.push(ONE, TWO, socket="s3")

    assert await page.events(1) == data_of(TWO)


@pytest.mark.parametrize("offset", [2, 3], ids=["one event again", "exactly"])
async def test_continuation_resumed_stream_follows_a_broken_response(offset: int) -> None:
    page = ContinuedPage()
    await page.begin(b'event: delta_encoding\ndata: "v1"\n\n', line(TOKEN), ONE, TWO)
    await page.break_off()
    assert page.observer.stream.may_continue and not page.observer.stream.is_over
    await page.resume("2", 0, status=502)
    await page.resume("3", offset, line(TOKEN), *[TWO][: 3 - offset], THREE, LAST)

    assert await page.events(7) == [
        '"v1"',
        json.dumps(TOKEN),
        *data_of(ONE, TWO),
        json.dumps(TOKEN),
        *data_of(THREE),
        DONE,
    ]
    page.observer.stream.leave(finished=True)
    assert page.observer.state is ObserverState.ENDED
    assert not page.observer.may_be_repeated


async def test_continuation_resumed_stream_after_missing_events_is_not_used() -> None:
    page = ContinuedPage()
    await page.begin(line(TOKEN), ONE)
    await page.break_off()
    await page.resume("2", 2, THREE, LAST)

    assert await page.events(2) == [json.dumps(TOKEN), *data_of(ONE)]
    assert (await page.frames(1), page.observer.stream.has_frames) == (["error"], False)


async def test_continuation_broken_response_blocks_another_message() -> None:
    page = ContinuedPage()
    await page.begin(line(TOKEN))
    await page.break_off()
    page.cdp.emit("Fetch.requestPaused", requestId="i")
    await run_tasks()

    commands = dict(page.cdp.commands)
    patterns = [pattern["urlPattern"] for pattern in commands["Fetch.enable"]["patterns"]]
    assert patterns[2:] == [URL, rf"{URL}\?*"]
    assert commands["Fetch.failRequest"]["requestId"] == "i"


async def test_continuation_broken_response_without_token_is_over() -> None:
    page = ContinuedPage()
    await page.begin(ONE)
    await page.break_off()

    assert page.observer.stream.is_over
    assert page.observer.may_be_repeated


async def test_continuation_document_that_announces_the_reply_is_continued() -> None:
    page = ContinuedPage()
    page.request()
    page.cdp.complete(STREAM, NO_BYTES)
    await run_tasks()
    page.respond(content_type="application/json")
    page.receive(b'{"wss_url": "wss://x", "conversation_id": "c"}')
    page.cdp.emit("Network.loadingFinished", requestId="1")
    await run_tasks()
    body = {"type": "http.response.body", "conversation_id": "c", "body": base64.b64encode(ONE[:9]).decode()}
    rest = body | {"body": base64.b64encode(ONE[9:] + LAST).decode()}
    for part in (body, rest):
        frame = {"opcode": 1, "payloadData": json.dumps({"type": "message", "data": part})}
        page.cdp.emit("Network.webSocketFrameReceived", requestId="s", response=frame)

    assert await page.events(2) == [*data_of(ONE), DONE]


async def test_continuation_response_canceled_by_the_page_is_over() -> None:
    page = ContinuedPage()
    await page.begin(line(TOKEN), ONE)
    page.cdp.emit("Network.loadingFailed", requestId="1", errorText="net::ERR_ABORTED", canceled=True)
    await run_tasks()

    assert page.observer.stream.is_over
