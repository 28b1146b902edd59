"""The states of a response stream, and what its reader gets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import BrowserCrashedError, StreamInterruptedError
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser._messaging.response_reader import receive_body, receive_head
from chatgpt_browser._transport.response_stream import ResponseState, ResponseStream
from tests.support.memory_site import DONE, events, head

if TYPE_CHECKING:
    from collections.abc import Callable

WAITING, STREAMING = ResponseState.WAITING, ResponseState.STREAMING
SETTLED, OVER = ResponseState.SETTLED, ResponseState.OVER
HANDOFF = {"type": "stream_handoff", "conversation_id": "c"}

pytestmark = pytest.mark.anyio


class Control:
    """A request control that counts aborts; the request ends at once, or when the test calls ``stream.end()``."""

    def __init__(self, *, ends_at_once: bool) -> None:
        self._ends_at_once = ends_at_once
        self.aborts = 0
        self.granted = 0

    def grant(self, chars: int) -> None:
        self.granted += chars

    def abort(self) -> bool:
        self.aborts += 1
        return self._ends_at_once


def deliver_head(stream: ResponseStream) -> None:
    stream.deliver(head())


def deliver_event(stream: ResponseStream) -> None:
    stream.deliver(events({"a": 1}))


def deliver_handoff(stream: ResponseStream) -> None:
    stream.deliver(events(HANDOFF))


def deliver_done(stream: ResponseStream) -> None:
    stream.deliver(events(DONE))


def deliver_end(stream: ResponseStream) -> None:
    stream.deliver(["end"])


def deliver_error(stream: ResponseStream) -> None:
    stream.deliver(["error", "body", "NetworkError", "reset"])


def request_ended(stream: ResponseStream) -> None:
    stream.request_ended()


def resume(stream: ResponseStream) -> None:
    stream.resume()


def expect_more(stream: ResponseStream) -> None:
    stream.may_continue = True


def end(stream: ResponseStream) -> None:
    stream.end()


def fail(stream: ResponseStream) -> None:
    stream.fail(BrowserCrashedError("gone"))


def abort(stream: ResponseStream) -> None:
    stream.abort()


def leave(stream: ResponseStream) -> None:
    stream.leave(finished=False)


def leave_finished(stream: ResponseStream) -> None:
    stream.leave(finished=True)


Step = tuple["Callable[[ResponseStream], None]", ResponseState]

WALKS: dict[str, list[Step]] = {
    "whole reply": [
        (deliver_head, STREAMING),
        (deliver_event, STREAMING),
        (deliver_done, SETTLED),
        (request_ended, OVER),
        (leave_finished, OVER),
    ],
    "body ends without DONE": [(deliver_head, STREAMING), (deliver_end, SETTLED), (request_ended, OVER)],
    "body breaks": [(deliver_head, STREAMING), (deliver_error, SETTLED), (request_ended, OVER)],
    "no response": [(deliver_error, SETTLED), (end, OVER)],
    "page crashes before the head": [(fail, OVER)],
    "page crashes in the middle": [(deliver_head, STREAMING), (fail, OVER), (leave, OVER)],
    "late frames": [(deliver_done, SETTLED), (deliver_head, SETTLED), (request_ended, OVER)],
    "hand-off, finished": [
        (deliver_handoff, WAITING),
        (deliver_done, SETTLED),
        (request_ended, SETTLED),
        (leave_finished, OVER),
    ],
    "hand-off, then a crash": [
        (deliver_handoff, WAITING),
        (deliver_done, SETTLED),
        (fail, SETTLED),
        (leave, OVER),
    ],
    "hand-off, then another feed": [
        (deliver_handoff, WAITING),
        (deliver_done, SETTLED),
        (request_ended, SETTLED),
        (resume, STREAMING),
        (deliver_event, STREAMING),
        (deliver_done, SETTLED),
        (request_ended, SETTLED),
        (leave_finished, OVER),
    ],
    "break, then another feed": [
        (expect_more, WAITING),
        (deliver_head, STREAMING),
        (deliver_error, SETTLED),
        (request_ended, SETTLED),
        (resume, STREAMING),
        (deliver_end, SETTLED),
        (leave_finished, OVER),
    ],
    "another feed after a crash": [
        (deliver_handoff, WAITING),
        (deliver_done, SETTLED),
        (fail, SETTLED),
        (resume, SETTLED),
    ],
    "another feed without a hand-off": [(deliver_done, SETTLED), (request_ended, OVER), (resume, OVER)],
    "hand-off, left before the request ended": [
        (deliver_handoff, WAITING),
        (deliver_done, SETTLED),
        (leave_finished, OVER),
        (request_ended, OVER),
    ],
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
async def test_response_stream_without_abort_walks_its_states(walk: list[Step]) -> None:
    control = Control(ends_at_once=False)
    stream = ResponseStream(control)
    assert stream.state is WAITING
    for step, state in walk:
        step(stream)
        assert stream.state is state
    assert control.aborts == 0


@pytest.mark.parametrize("ends_at_once", [True, False])
@pytest.mark.parametrize(
    "before",
    [[], [deliver_head], [deliver_handoff, deliver_done, request_ended]],
    ids=["before the head", "in the middle", "after a hand-off"],
)
async def test_response_stream_left_early_is_over_when_the_transport_has_stopped(
    before: list[Callable[[ResponseStream], None]], ends_at_once: bool
) -> None:
    control = Control(ends_at_once=ends_at_once)
    stream = ResponseStream(control)
    for step in before:
        step(stream)
    leave(stream)

    assert control.aborts == 1
    assert stream.state is (OVER if ends_at_once else SETTLED)
    end(stream)
    assert stream.state is OVER


async def test_response_stream_aborted_twice_aborts_the_request_once() -> None:
    control = Control(ends_at_once=False)
    stream = ResponseStream(control)
    for step in (abort, abort, leave):
        step(stream)
    assert control.aborts == 1
    deliver_handoff(stream)  # it was in transit
    request_ended(stream)
    assert stream.is_over


async def test_response_stream_when_over_calls_back_once_in_order() -> None:
    stream = ResponseStream(Control(ends_at_once=True))
    calls: list[int] = []
    stream.when_over(lambda: calls.append(1))
    stream.when_over(lambda: calls.append(2))
    deliver_done(stream)
    assert calls == []
    request_ended(stream)
    end(stream)
    assert calls == [1, 2]
    stream.when_over(lambda: calls.append(3))
    assert calls == [1, 2, 3]


async def test_response_stream_failed_delivers_the_frames_before_the_error() -> None:
    stream = ResponseStream(Control(ends_at_once=True))
    deliver_head(stream)
    fail(stream)
    stream.fail(StreamInterruptedError("the second error does not count"))

    assert (await stream.receive())[0] == "head"
    for _ in range(2):
        with pytest.raises(BrowserCrashedError, match="gone"):
            await stream.receive()


async def test_response_stream_interrupted_raises_the_first_reason_at_once() -> None:
    stream = ResponseStream(Control(ends_at_once=True))
    loop = asyncio.get_running_loop()
    for step in (TimeoutError("first"), TimeoutError("second")):
        loop.call_soon(stream.interrupt, step)
    loop.call_soon(deliver_head, stream)
    with pytest.raises(TimeoutError, match="first"):
        await stream.receive()
    assert not stream.is_awaited


async def test_response_stream_read_grants_more_in_large_steps() -> None:
    control = Control(ends_at_once=True)
    stream = ResponseStream(control)
    for size in (1 << 19, 1 << 19, 10):
        stream.deliver(["text", "", size])
        await stream.receive()
    assert control.granted == 1 << 20


async def test_response_stream_wait_for_frames_ends_with_a_frame_only() -> None:
    stream = ResponseStream(Control(ends_at_once=True))
    loop = asyncio.get_running_loop()
    loop.call_soon(stream.interrupt, TimeoutError("first"))
    assert not await stream.wait_for_frames(0.01)
    loop.call_soon(deliver_head, stream)
    assert await stream.wait_for_frames(20)
    assert await stream.wait_for_frames(0)


async def test_stream_whose_document_was_read_lets_another_feed_continue() -> None:
    """The events of the other feed may arrive before the document has been read."""
    control = Control(ends_at_once=False)
    stream = ResponseStream(control)
    for frame in (head(), ["text", '{"wss_url": ""}', 15], ["end"]):
        stream.deliver(frame)
    stream.may_continue = True
    assert stream.resume()
    stream.deliver(events({"a": 1}))

    options = default_options()
    document = await receive_body(stream, await receive_head(stream, options), options)

    assert document.text == '{"wss_url": ""}'
    assert (control.aborts, stream.state) == (0, STREAMING)
    assert (await stream.receive())[0] == "events"
