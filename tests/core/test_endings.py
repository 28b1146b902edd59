"""Ways for a message to end early. Each closes the request, and the server sees it within a second; then the client goes on."""

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

from .scene import at_once, works

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatgpt_browser.testing import RecordedRequest

    from .scene import Scene

SECOND = 20.0


class Reason(Exception):
    """What only the caller raises."""


def held(scene: Scene, *pieces: str) -> str:
    """A message whose reply stops after these pieces and never goes on."""
    pieces = pieces or ("one", " two")
    return scene.answering(Reply(pieces=[*pieces, " never"], hold_after=len(pieces), gate=Gate()))


def assert_closed(post: RecordedRequest) -> None:
    assert post.disconnected.wait(SECOND), "the server has not seen the request end"


# ---- the abort signal ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (None, "The operation was aborted"),
        ("enough", "enough"),
        (42, "42"),
    ],
)
def test_abort_with_a_reason_that_is_no_exception(
    scene: Scene, api: ChatGPTAPI, reason: object, expected: str
) -> None:
    controller = AbortController()
    with pytest.raises(AbortError) as caught:
        api.send_message(
            held(scene),
            abort_signal=controller.signal,
            on_progress=lambda text: controller.abort(reason),
        )

    assert str(caught.value) == expected
    assert caught.value.reason == reason
    assert_closed(scene.posts[0])


def test_abort_from_another_thread(scene: Scene, api: ChatGPTAPI) -> None:
    controller, reason = AbortController(), Reason("enough")
    heard: list[str] = []
    arrived = threading.Event()

    def hear(text: str) -> None:
        heard.append(text)
        if text == "one two":
            arrived.set()

    def abort() -> None:
        arrived.wait(20)
        controller.abort(reason)

    aborter = threading.Thread(target=abort)
    aborter.start()
    with pytest.raises(Reason) as caught:
        api.send_message(held(scene), abort_signal=controller.signal, on_progress=hear)

    aborter.join()
    assert caught.value is reason
    assert heard == ["one", "one two"]
    assert_closed(scene.posts[0])
    assert works(api)


def test_abort_before_the_first_byte(scene: Scene, api: ChatGPTAPI) -> None:
    controller = AbortController()
    message = scene.answering(Stall(before_head=True))

    def abort() -> None:
        scene.wait_for_post()
        controller.abort()

    aborter = threading.Thread(target=abort)
    aborter.start()
    with pytest.raises(AbortError):
        api.send_message(message, abort_signal=controller.signal)

    aborter.join()
    assert_closed(scene.posts[0])
    assert works(api)


def test_abort_while_waiting_for_a_turn_sends_nothing(scene: Scene, api: ChatGPTAPI) -> None:
    controller = AbortController()
    with api.stream_message(held(scene)) as stream:
        assert next(stream) == "one"
        clock = threading.Timer(0.01, controller.abort)
        clock.start()
        with pytest.raises(AbortError):
            api.send_message("never sent", abort_signal=controller.signal)
        clock.join()

    assert works(api)
    assert not any(b"never sent" in post.body for post in scene.posts)


def test_abort_before_the_call(scene: Scene, api: ChatGPTAPI) -> None:
    controller, reason = AbortController(), Reason("too late")
    controller.abort(reason)
    controller.abort(Reason("the second does not count"))
    with pytest.raises(Reason) as caught:
        api.send_message("never sent", abort_signal=controller.signal)

    assert caught.value is reason
    assert works(api)
    assert len(scene.posts) == 1


def test_one_signal_ends_every_call_that_has_it(scene: Scene, api: ChatGPTAPI) -> None:
    controller = AbortController()
    failures: list[BaseException] = []

    def send() -> None:
        try:
            api.send_message(held(scene), abort_signal=controller.signal)
        except AbortError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    scene.wait_for_post()
    controller.abort("all of you")
    for thread in threads:
        thread.join(20)

    assert [str(failure) for failure in failures] == ["all of you"] * 3
    assert_closed(scene.posts[0])
    assert len(scene.posts) == 1


# ---- the time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [600, timedelta(milliseconds=600)], ids=["number", "timedelta"])
def test_timeout_in_the_middle(scene: Scene, api: ChatGPTAPI, limit: Any) -> None:
    heard: list[str] = []
    with pytest.raises(ChatGPTTimeoutError) as caught:
        api.send_message(held(scene), timeout_ms=limit, on_progress=heard.append)

    assert str(caught.value) == "ChatGPT timed out waiting for response"
    assert caught.value.partial_text == "one two"
    assert heard == ["one", "one two"]
    assert_closed(scene.posts[0])
    assert works(api)


@pytest.mark.parametrize("before_head", [True, False])
def test_timeout_before_the_first_word(scene: Scene, api: ChatGPTAPI, before_head: bool) -> None:
    with pytest.raises(ChatGPTTimeoutError) as caught:
        api.send_message(scene.answering(Stall(before_head=before_head)), timeout_ms=1500)

    assert caught.value.partial_text == ""
    assert_closed(scene.posts[0])
    assert works(api)


def test_timeout_of_a_stream(scene: Scene, api: ChatGPTAPI) -> None:
    with pytest.raises(ChatGPTTimeoutError) as caught:
        list(api.stream_message(held(scene), timeout_ms=1500))

    assert caught.value.partial_text == "one two"
    assert_closed(scene.posts[0])
    assert works(api)


def test_zero_and_none_are_no_limit(scene: Scene, api: ChatGPTAPI) -> None:
    assert api.send_message(scene.answering("a"), timeout_ms=0) == "a"
    assert api.send_message(scene.answering("b"), timeout_ms=None) == "b"


# ---- cancellation ------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("stage", ["head", "body"])
async def test_a_cancelled_task(async_scene: Scene, async_api: AsyncChatGPTAPI, stage: str) -> None:
    message = async_scene.answering(Stall(before_head=True)) if stage == "head" else held(async_scene)
    heard: list[str] = []
    arrived = asyncio.Event()

    def hear(text: str) -> None:
        heard.append(text)
        if text == "one two":
            arrived.set()

    task = asyncio.ensure_future(async_api.send_message(message, on_progress=hear))
    post = await asyncio.to_thread(async_scene.wait_for_post)
    if stage == "body":
        await asyncio.wait_for(arrived.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    told = [*heard]
    assert await asyncio.to_thread(post.disconnected.wait, SECOND)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'
    assert heard == told


@pytest.mark.anyio
async def test_a_task_cancelled_as_the_answer_arrives(async_scene: Scene, async_api: AsyncChatGPTAPI) -> None:
    """Chromium keeps the connection if a fetch is aborted while its head is on the way to the page: a race, so many rounds."""
    left_open = []
    for round_ in range(60):
        task = asyncio.ensure_future(async_api.send_message(held(async_scene)))
        post = await asyncio.to_thread(async_scene.wait_for_post, round_ + 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if not await asyncio.to_thread(post.disconnected.wait, SECOND):
            left_open.append(round_)
            break

    assert left_open == []


@pytest.mark.anyio
async def test_a_cancelled_task_that_waited_its_turn(async_scene: Scene, async_api: AsyncChatGPTAPI) -> None:
    async with async_api.stream_message(held(async_scene)) as stream:
        assert await anext(stream) == "one"
        waiting = asyncio.ensure_future(async_api.send_message("never sent"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'
    assert not any(b"never sent" in post.body for post in async_scene.posts)


@pytest.mark.anyio
async def test_a_timeout_of_the_callers_own(async_scene: Scene, async_api: AsyncChatGPTAPI) -> None:
    import anyio

    with anyio.move_on_after(1.5) as scope:
        await async_api.send_message(held(async_scene))

    assert scope.cancelled_caught
    assert await asyncio.to_thread(async_scene.posts[0].disconnected.wait, SECOND)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'


# ---- streams that are left ---------------------------------------------------------------------------------------------


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
def test_a_stream_left_early(scene: Scene, api: ChatGPTAPI, leave: Callable[[ChatGPTAPI, str], None]) -> None:
    leave(api, held(scene))

    assert_closed(scene.posts[0])
    assert works(api)


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["with", "del"])
async def test_an_async_stream_left_early(async_scene: Scene, async_api: AsyncChatGPTAPI, how: str) -> None:
    stream = async_api.stream_message(held(async_scene))
    if how == "with":
        async with stream:
            assert await anext(stream) == "one"
    else:
        assert await anext(stream) == "one"
    del stream
    gc.collect()

    (post,) = async_scene.posts
    assert await asyncio.to_thread(post.disconnected.wait, SECOND)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'


def test_a_stream_left_at_its_last_word_lets_the_next_message_go(scene: Scene, api: ChatGPTAPI) -> None:
    with api.stream_message(scene.answering(Reply(pieces=["a", "b"]))) as stream:
        assert [next(stream), next(stream)] == ["a", "b"]

    assert works(api)


def test_an_unread_stream_holds_nobody_up_once_the_site_is_through(scene: Scene, api: ChatGPTAPI) -> None:
    """The turn is about what the site has under way, and not about how fast a caller reads."""
    with api.stream_message(scene.answering(Reply(pieces=["a", "b", "c"]))) as stream:
        assert next(stream) == "a"
        assert works(api)
        assert [*stream] == ["b", "c"]


# ---- callbacks that raise ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["on_progress", "on_conversation_response"])
@pytest.mark.parametrize(
    "raised", [Reason("mine"), KeyboardInterrupt(), StopIteration(1), TimeoutError("own")]
)
def test_a_callback_that_raises(scene: Scene, api: ChatGPTAPI, which: str, raised: BaseException) -> None:
    calls: list[object] = []

    def fail(what: object) -> None:
        calls.append(what)
        raise raised

    callbacks: dict[str, Any] = {which: fail}
    with pytest.raises(type(raised)) as caught:
        api.send_message(held(scene), **callbacks)

    assert caught.value is raised
    assert len(calls) == 1
    assert_closed(scene.posts[0])
    assert works(api)
    assert len(calls) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_callback_that_raises_async(
    async_scene: Scene, async_api: AsyncChatGPTAPI, is_async: bool
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
        await async_api.send_message(held(async_scene), on_progress=fail_later if is_async else fail)

    assert caught.value is reason
    assert await asyncio.to_thread(async_scene.posts[0].disconnected.wait, SECOND)
    assert await async_api.send_message("Next", timeout_ms=20_000) == 'You said: "Next".'
    assert calls == 1


def test_no_callback_after_an_abort_though_more_is_there(scene: Scene, api: ChatGPTAPI) -> None:
    """Many events are in the client already when the first is heard: none of them may be told any more."""
    controller = AbortController()
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        controller.abort()

    with pytest.raises(AbortError):
        api.send_message(
            scene.answering(at_once(*("abcdefghij"[: end + 1] for end in range(10)))),
            abort_signal=controller.signal,
            on_progress=hear,
        )

    assert works(api)
    assert heard == ["a"]


def test_an_abort_counts_though_the_reply_is_there_already(scene: Scene, api: ChatGPTAPI) -> None:
    controller, reason = AbortController(), Reason("no, thanks")
    with pytest.raises(Reason) as caught:
        api.send_message(
            scene.answering(at_once("a", "ab", "abc")),
            abort_signal=controller.signal,
            on_progress=lambda text: controller.abort(reason),
        )

    assert caught.value is reason


def test_a_slow_callback_does_not_outlive_the_timeout(scene: Scene, api: ChatGPTAPI) -> None:
    """The time runs while the caller's own code does, and what is in the client already does not extend it."""
    heard: list[str] = []

    def dawdle(text: str) -> None:
        heard.append(text)
        threading.Event().wait(1.7)

    with pytest.raises(ChatGPTTimeoutError):
        api.send_message(scene.answering(at_once("a", "ab", "abc")), timeout_ms=1500, on_progress=dawdle)

    assert heard == ["a"]
    assert works(api)
