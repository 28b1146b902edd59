"""Messages that end early: by abort, timeout, cancellation, a stream that is left, or a callback that raises.

In each case the server observes that the request is closed, and the client can send the next message.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    AsyncChatGPTAPI,
    ChatGPTAPI,
    ChatGPTTimeoutError,
)
from chatgpt_browser.testing import Gate, Reply, Stall
from tests.support.client_clock import LIMIT, advance_clock, advance_clock_after
from tests.support.scripted_site import at_once, can_send

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatgpt_browser.testing import RecordedRequest
    from tests.support.scripted_site import ScriptedSite

CLOSE_TIMEOUT = 20.0


class Reason(Exception):
    """An exception that only the caller raises."""


def held_reply(scripted_site: ScriptedSite, *pieces: str) -> str:
    """Return a message whose reply stops after these pieces without an end."""
    pieces = pieces or ("one", " two")
    return scripted_site.answering(Reply(pieces=[*pieces, " never"], hold_after=len(pieces), gate=Gate()))


def assert_closed(post: RecordedRequest) -> None:
    assert post.disconnected.wait(CLOSE_TIMEOUT), "the server did not observe the end of the request"


# ---- the abort signal ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, "The operation was aborted"),
        ("enough", "enough"),
        (42, "42"),
    ],
)
def test_abort_with_a_plain_reason_raises_abort_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, reason: object, expected: str
) -> None:
    controller = AbortController()
    with pytest.raises(AbortError) as caught:
        api.send_message(
            held_reply(scripted_site),
            abort_signal=controller.signal,
            on_progress=lambda text: controller.abort(reason),
        )

    assert str(caught.value) == expected
    assert caught.value.reason == reason
    assert_closed(scripted_site.posts[0])


def test_abort_from_another_thread_raises_its_reason(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    controller, reason = AbortController(), Reason("enough")
    recorded: list[str] = []
    arrived = threading.Event()

    def record(text: str) -> None:
        recorded.append(text)
        if text == "one two":
            arrived.set()

    def abort() -> None:
        arrived.wait(20)
        controller.abort(reason)

    aborter = threading.Thread(target=abort)
    aborter.start()
    with pytest.raises(Reason) as caught:
        api.send_message(held_reply(scripted_site), abort_signal=controller.signal, on_progress=record)

    aborter.join()
    assert caught.value is reason
    assert recorded == ["one", "one two"]
    assert_closed(scripted_site.posts[0])
    assert can_send(api)


def test_abort_before_the_first_byte_closes_the_request(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    controller = AbortController()
    message = scripted_site.answering(Stall(before_head=True))

    def abort() -> None:
        scripted_site.wait_for_post()
        controller.abort()

    aborter = threading.Thread(target=abort)
    aborter.start()
    with pytest.raises(AbortError):
        api.send_message(message, abort_signal=controller.signal)

    aborter.join()
    assert_closed(scripted_site.posts[0])
    assert can_send(api)


def test_abort_while_queued_sends_nothing(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    controller = AbortController()
    with api.stream_message(held_reply(scripted_site)) as stream:
        assert next(stream) == "one"
        clock = threading.Timer(0.01, controller.abort)
        clock.start()
        with pytest.raises(AbortError):
            api.send_message("never sent", abort_signal=controller.signal)
        clock.join()

    assert can_send(api)
    assert not any(b"never sent" in post.body for post in scripted_site.posts)


def test_abort_before_the_call_sends_nothing(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    controller, reason = AbortController(), Reason("too late")
    controller.abort(reason)
    controller.abort(Reason("the second does not count"))
    with pytest.raises(Reason) as caught:
        api.send_message("never sent", abort_signal=controller.signal)

    assert caught.value is reason
    assert can_send(api)
    assert len(scripted_site.posts) == 1


def test_abort_shared_signal_ends_all_its_calls(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    controller = AbortController()
    failures: list[BaseException] = []

    def send() -> None:
        try:
            api.send_message(held_reply(scripted_site), abort_signal=controller.signal)
        except AbortError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    scripted_site.wait_for_post()
    controller.abort("all of you")
    for thread in threads:
        thread.join(20)

    assert [str(failure) for failure in failures] == ["all of you"] * 3
    assert_closed(scripted_site.posts[0])
    assert len(scripted_site.posts) == 1


# ---- timeouts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [LIMIT, timedelta(milliseconds=LIMIT)], ids=["number", "timedelta"])
def test_timeout_in_the_middle_raises_with_the_text_so_far(
    scripted_site: ScriptedSite, api: ChatGPTAPI, limit: Any
) -> None:
    recorded: list[str] = []

    def record(text: str) -> None:
        recorded.append(text)
        if text == "one two":
            advance_clock(api)

    with pytest.raises(ChatGPTTimeoutError) as caught:
        api.send_message(held_reply(scripted_site), timeout_ms=limit, on_progress=record)

    assert str(caught.value) == "ChatGPT timed out waiting for response"
    assert caught.value.partial_text == "one two"
    assert recorded == ["one", "one two"]
    assert_closed(scripted_site.posts[0])
    assert can_send(api)


@pytest.mark.parametrize("before_head", [True, False])
def test_timeout_before_the_first_text_closes_the_request(
    scripted_site: ScriptedSite, api: ChatGPTAPI, before_head: bool
) -> None:
    message = scripted_site.answering(Stall(before_head=before_head))
    with advance_clock_after(api, scripted_site.wait_for_post), pytest.raises(ChatGPTTimeoutError) as caught:
        api.send_message(message, timeout_ms=LIMIT)

    assert caught.value.partial_text == ""
    assert_closed(scripted_site.posts[0])
    assert can_send(api)


def test_timeout_of_a_reply_stream_raises_with_the_text_so_far(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    stream = api.stream_message(held_reply(scripted_site), timeout_ms=LIMIT)
    assert next(stream) + next(stream) == "one two"
    advance_clock(api)
    with pytest.raises(ChatGPTTimeoutError) as caught:
        next(stream)

    assert caught.value.partial_text == "one two"
    assert_closed(scripted_site.posts[0])
    assert can_send(api)


def test_timeout_zero_or_none_is_no_limit(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.send_message(scripted_site.answering("a"), timeout_ms=0) == "a"
    assert api.send_message(scripted_site.answering("b"), timeout_ms=None) == "b"


# ---- cancellation ------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("stage", ["head", "body"])
async def test_cancelled_task_closes_the_request(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI, stage: str
) -> None:
    message = (
        async_scripted_site.answering(Stall(before_head=True))
        if stage == "head"
        else held_reply(async_scripted_site)
    )
    recorded: list[str] = []
    arrived = asyncio.Event()

    def record(text: str) -> None:
        recorded.append(text)
        if text == "one two":
            arrived.set()

    task = asyncio.ensure_future(async_api.send_message(message, on_progress=record))
    post = await asyncio.to_thread(async_scripted_site.wait_for_post)
    if stage == "body":
        await asyncio.wait_for(arrived.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    recorded_before = [*recorded]
    assert await asyncio.to_thread(post.disconnected.wait, CLOSE_TIMEOUT)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'
    assert recorded == recorded_before


@pytest.mark.anyio
async def test_cancelled_task_as_the_head_arrives_closes_the_request(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    """Chromium may keep the connection if a fetch is aborted while its head is in transit. The race needs many rounds."""
    left_open = []
    for round_ in range(60):
        task = asyncio.ensure_future(async_api.send_message(held_reply(async_scripted_site)))
        post = await asyncio.to_thread(async_scripted_site.wait_for_post, round_ + 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if not await asyncio.to_thread(post.disconnected.wait, CLOSE_TIMEOUT):
            left_open.append(round_)
            break

    assert left_open == []


@pytest.mark.anyio
async def test_cancelled_task_while_queued_sends_nothing(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    async with async_api.stream_message(held_reply(async_scripted_site)) as stream:
        assert await anext(stream) == "one"
        waiting = asyncio.ensure_future(async_api.send_message("never sent"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'
    assert not any(b"never sent" in post.body for post in async_scripted_site.posts)


@pytest.mark.anyio
async def test_caller_cancel_scope_closes_the_request(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    import anyio

    with anyio.move_on_after(1.5) as scope:
        await async_api.send_message(held_reply(async_scripted_site))

    assert scope.cancelled_caught
    assert await asyncio.to_thread(async_scripted_site.posts[0].disconnected.wait, CLOSE_TIMEOUT)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'


# ---- abandoned streams -------------------------------------------------------------------------------------------------


def leave_by_with(api: ChatGPTAPI, message: str) -> None:
    with api.stream_message(message) as stream:
        for piece in stream:
            assert piece == "one"
            break


def leave_by_error(api: ChatGPTAPI, message: str) -> None:
    with pytest.raises(Reason), api.stream_message(message) as stream:
        next(stream)
        raise Reason


def leave_by_close(api: ChatGPTAPI, message: str) -> None:
    stream = api.stream_message(message)
    assert next(stream) == "one"
    stream.close()
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)


def leave_by_break_and_del(api: ChatGPTAPI, message: str) -> None:
    stream = api.stream_message(message)
    for piece in stream:
        assert piece == "one"
        break
    del stream
    gc.collect()


@pytest.mark.parametrize("leave", [leave_by_with, leave_by_error, leave_by_close, leave_by_break_and_del])
def test_reply_stream_left_early_closes_the_request(
    scripted_site: ScriptedSite, api: ChatGPTAPI, leave: Callable[[ChatGPTAPI, str], None]
) -> None:
    leave(api, held_reply(scripted_site))

    assert_closed(scripted_site.posts[0])
    assert can_send(api)


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["with", "del"])
async def test_async_reply_stream_left_early_closes_the_request(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI, how: str
) -> None:
    stream = async_api.stream_message(held_reply(async_scripted_site))
    if how == "with":
        async with stream:
            assert await anext(stream) == "one"
    else:
        assert await anext(stream) == "one"
    del stream
    gc.collect()

    (post,) = async_scripted_site.posts
    assert await asyncio.to_thread(post.disconnected.wait, CLOSE_TIMEOUT)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'


def test_reply_stream_left_after_its_last_piece_releases_the_permit(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    with api.stream_message(scripted_site.answering(Reply(pieces=["a", "b"]))) as stream:
        assert [next(stream), next(stream)] == ["a", "b"]

    assert can_send(api)


def test_reply_stream_unread_after_the_last_event_releases_the_permit(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The permit depends on what the site has in flight, not on how fast a caller reads."""
    with api.stream_message(scripted_site.answering(Reply(pieces=["a", "b", "c"]))) as stream:
        assert next(stream) == "a"
        assert can_send(api)
        assert [*stream] == ["b", "c"]


# ---- callbacks that raise ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["on_progress", "on_conversation_response"])
@pytest.mark.parametrize(
    "raised", [Reason("mine"), KeyboardInterrupt(), StopIteration(1), TimeoutError("own")]
)
def test_callback_raising_ends_the_call(
    scripted_site: ScriptedSite, api: ChatGPTAPI, which: str, raised: BaseException
) -> None:
    calls: list[object] = []

    def fail(what: object) -> None:
        calls.append(what)
        raise raised

    callbacks: dict[str, Any] = {which: fail}
    with pytest.raises(type(raised)) as caught:
        api.send_message(held_reply(scripted_site), **callbacks)

    assert caught.value is raised
    assert len(calls) == 1
    assert_closed(scripted_site.posts[0])
    assert can_send(api)
    assert len(calls) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("is_async", [False, True])
async def test_async_callback_raising_ends_the_call(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI, is_async: bool
) -> None:
    reason, calls = Reason("mine"), 0

    def fail(text: str) -> None:
        nonlocal calls
        calls += 1
        raise reason

    async def fail_later(text: str) -> None:
        await asyncio.sleep(0)
        fail(text)

    with pytest.raises(Reason) as caught:
        await async_api.send_message(
            held_reply(async_scripted_site), on_progress=fail_later if is_async else fail
        )

    assert caught.value is reason
    assert await asyncio.to_thread(async_scripted_site.posts[0].disconnected.wait, CLOSE_TIMEOUT)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'
    assert calls == 1


def test_callback_aborting_is_not_called_for_buffered_events(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """Many events are buffered in the client when the first callback is called: no callback is called for the others."""
    controller = AbortController()
    recorded: list[str] = []

    def record(text: str) -> None:
        recorded.append(text)
        controller.abort()

    with pytest.raises(AbortError):
        api.send_message(
            scripted_site.answering(at_once(*("abcdefghij"[: end + 1] for end in range(10)))),
            abort_signal=controller.signal,
            on_progress=record,
        )

    assert can_send(api)
    assert recorded == ["a"]


def test_abort_with_the_reply_buffered_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    controller, reason = AbortController(), Reason("no, thanks")
    with pytest.raises(Reason) as caught:
        api.send_message(
            scripted_site.answering(at_once("a", "ab", "abc")),
            abort_signal=controller.signal,
            on_progress=lambda text: controller.abort(reason),
        )

    assert caught.value is reason


def test_timeout_during_a_slow_callback_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The deadline includes the time that callbacks take, and buffered events do not extend it."""
    recorded: list[str] = []

    def record_slowly(text: str) -> None:
        recorded.append(text)
        advance_clock(api)

    with pytest.raises(ChatGPTTimeoutError):
        api.send_message(
            scripted_site.answering(at_once("a", "ab", "abc")), timeout_ms=LIMIT, on_progress=record_slowly
        )

    assert recorded == ["a"]
    assert can_send(api)
