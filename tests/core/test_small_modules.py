"""The small rooms: abort signals, one flight for many, plain text, what is tried again."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tenacity import Future, RetryCallState

from chatgpt_browser import (
    AbortController,
    AbortError,
    AccessTokenRejectedError,
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ChallengeError,
    ClientClosedError,
    RateLimitError,
    SessionExpiredError,
    StreamInterruptedError,
)
from chatgpt_browser._core.single_flight import SingleFlight
from chatgpt_browser._messaging.retry import RetryPolicy, retrying_read, retrying_refresh
from chatgpt_browser._protocol.plain_text import to_plain_text

# ---- abort signals ---------------------------------------------------------------------------------------------------


def test_a_signal_tells_its_listeners_once() -> None:
    controller, heard = AbortController(), list[str]()
    controller.signal.listen(lambda: heard.append("a"))
    stop = controller.signal.listen(lambda: heard.append("b"))
    stop()

    threading.Thread(target=controller.abort, args=("first",)).run()
    controller.abort("second")

    assert heard == ["a"]
    assert (controller.signal.aborted, controller.signal.reason) == (True, "first")
    controller.signal.listen(lambda: heard.append("late"))
    assert heard == ["a", "late"]


@pytest.mark.parametrize("reason", [None, "enough", ValueError("mine")])
def test_what_a_caller_gets(reason: object) -> None:
    controller = AbortController()
    controller.signal.throw_if_aborted()
    controller.abort(reason)

    with pytest.raises(ValueError if isinstance(reason, ValueError) else AbortError) as caught:
        controller.signal.throw_if_aborted()
    assert caught.value is reason or getattr(caught.value, "reason", "") == reason


# ---- one flight ------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_one_flight_serves_all_who_ask_and_outlives_one_who_leaves() -> None:
    runs, gate = list[int](), asyncio.Event()

    async def work() -> int:
        runs.append(1)
        await gate.wait()
        return len(runs)

    flight = SingleFlight(work)
    leaving, *staying = [asyncio.ensure_future(flight()) for _ in range(4)]
    await asyncio.sleep(0)
    leaving.cancel()
    gate.set()

    assert await asyncio.gather(*staying) == [1, 1, 1]
    assert leaving.cancelled()
    assert await flight() == 2


@pytest.mark.anyio
async def test_a_flight_that_fails_fails_for_all_and_the_next_one_is_new() -> None:
    results = iter([ValueError("first"), None])

    async def work() -> str:
        error = next(results)
        if error is not None:
            raise error
        return "fine"

    flight = SingleFlight(work)
    failed = await asyncio.gather(flight(), flight(), return_exceptions=True)

    assert [str(error) for error in failed] == ["first", "first"]
    assert await flight() == "fine"


@pytest.mark.anyio
async def test_a_flight_that_is_cancelled_has_cleaned_up() -> None:
    cleaned = list[str]()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("yes")

    flight = SingleFlight(work)
    await flight.cancel()
    waiting = asyncio.ensure_future(flight())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await flight.cancel()

    assert cleaned == ["yes"]
    with pytest.raises(ClientClosedError):
        await waiting
    assert not waiting.cancelled()


# ---- plain text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("", ""),
        ("plain", "plain"),
        ("# Title\n\nA *b* **c** `d` [e](https://f) ![g](h)", "Title\n\nA b c d e g"),
        ("one\ntwo", "one\ntwo"),
        ("- a\n- b\n  - c", "a\nb\nc"),
        ("1. a\n\n   b", "a\n\nb"),
        ("```python\nx = 1 * 2\n```", "x = 1 * 2"),
        ("    x * y", "x * y"),
        ("> said", "said"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("<b>bold</b>", "bold"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a\tb\n1\t2"),
        (r"\*no\*", "*no*"),
    ],
)
def test_markdown_without_its_marks(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


# ---- what is tried again ---------------------------------------------------------------------------------------------


def remedies(retries: int = 2) -> RetryPolicy:
    async def nothing(error: Exception) -> None: ...

    return RetryPolicy(renew_token=nothing, pass_challenge=nothing, retries=retries)


def limit(scope: str | None, retry_after: float | None = None, place: str | None = None) -> RateLimitError:
    return RateLimitError(scope=scope, retry_after=retry_after, retry_after_from=place)


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (AccessTokenRejectedError(), 1),
        (ChallengeError(), 1),
        (limit("concurrency"), 2),
        (limit("concurrency", 60, "text"), 2),
        (limit("concurrency", 3, "header"), 2),
        (limit("concurrency", 3600, "header"), 0),
        (limit("hour", 1, "header"), 0),
        (limit("model", 1, "body"), 0),
        (limit(None), 0),
        (APIStatusError(status_code=503), 0),
        (StreamInterruptedError(), 0),
        (SessionExpiredError(), 0),
        (ValueError(), 0),
    ],
)
def test_a_message_is_sent_again_where_it_was_refused_and_nowhere_else(error: Exception, times: int) -> None:
    policy = remedies()

    assert [policy.allow(error) for _ in range(4)] == [True] * times + [False] * (4 - times)


def test_no_retries_are_none() -> None:
    policy = remedies(retries=0)

    for error in (limit("concurrency"), AccessTokenRejectedError(), ChallengeError()):
        assert not policy.allow(error)


def state(error: Exception, attempt: int) -> RetryCallState:
    found = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    found.attempt_number = attempt
    outcome: Any = Future(attempt)
    outcome.set_exception(error)
    found.outcome = outcome
    return found


def test_the_site_says_how_long_to_wait() -> None:
    policy = remedies()

    assert policy.wait(state(AccessTokenRejectedError(), 1)) == 0
    assert policy.wait(state(limit("concurrency", 7, "header"), 1)) == 7
    first, third = (policy.wait(state(limit("concurrency", 60, "text"), attempt)) for attempt in (1, 3))
    assert 0.25 <= first <= 0.5
    assert 1.0 <= third <= 1.25


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (APIConnectionError(), 2),
        (APIConnectionError(lasting=True), 1),
        (AuthenticationError(), 1),
        (AuthenticationError(status_code=503), 2),
        (AuthenticationError(status_code=403), 1),
        (SessionExpiredError(status_code=200), 1),
        (ChallengeError(), 1),
    ],
)
@pytest.mark.anyio
async def test_a_session_is_asked_for_again_where_the_network_or_the_server_failed(
    error: Exception, tries: int
) -> None:
    asked = list[int]()

    async def ask() -> None:
        asked.append(1)
        raise error

    with pytest.raises(type(error)):
        await retrying_refresh(ask, retries=1)
    assert len(asked) == tries


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (APIStatusError(status_code=500), 2),
        (StreamInterruptedError(), 2),
        (APIStatusError(status_code=422), 1),
    ],
)
@pytest.mark.anyio
async def test_what_only_reads_is_read_again(error: Exception, tries: int) -> None:
    asked = list[int]()

    async def ask() -> None:
        asked.append(1)
        raise error

    with pytest.raises(type(error)):
        await retrying_read(ask, retries=1)
    assert len(asked) == tries
