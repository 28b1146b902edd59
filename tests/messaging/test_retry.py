"""Tests of the retry rules: retried errors, number of retries, and delays."""

from __future__ import annotations

from typing import Any

import pytest
from tenacity import Future, RetryCallState

from chatgpt_browser import (
    AccessTokenRejectedError,
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ChallengeError,
    RateLimitError,
    SessionExpiredError,
    StreamInterruptedError,
)
from chatgpt_browser._messaging.retry import RetryPolicy, retrying_read, retrying_refresh


def make_policy(retries: int = 2) -> RetryPolicy:
    async def do_nothing() -> None: ...

    return RetryPolicy(renew_token=do_nothing, pass_challenge=do_nothing, retries=retries)


def rate_limit(
    scope: str | None, retry_after: float | None = None, source: str | None = None
) -> RateLimitError:
    return RateLimitError(scope=scope, retry_after=retry_after, retry_after_from=source)


def retry_state(error: Exception, attempt: int) -> RetryCallState:
    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = attempt
    outcome: Any = Future(attempt)
    outcome.set_exception(error)
    state.outcome = outcome
    return state


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (AccessTokenRejectedError(), 1),
        (ChallengeError(), 1),
        (rate_limit("concurrency"), 2),
        (rate_limit("concurrency", 60, "text"), 2),
        (rate_limit("concurrency", 3, "header"), 2),
        (rate_limit("concurrency", 3600, "header"), 0),
        (rate_limit("hour", 1, "header"), 0),
        (rate_limit("model", 1, "body"), 0),
        (rate_limit(None), 0),
        (APIStatusError(status_code=503), 0),
        (StreamInterruptedError(), 0),
        (SessionExpiredError(), 0),
        (ValueError(), 0),
    ],
)
def test_retry_policy_allows_retry_only_after_refusal(error: Exception, times: int) -> None:
    policy = make_policy()

    assert [policy.allow(error) for _ in range(4)] == [True] * times + [False] * (4 - times)


def test_retry_policy_zero_retries_allows_none() -> None:
    policy = make_policy(retries=0)

    for error in (rate_limit("concurrency"), AccessTokenRejectedError(), ChallengeError()):
        assert not policy.allow(error)


def test_retry_policy_wait_uses_requested_delay() -> None:
    policy = make_policy()

    assert policy.wait(retry_state(AccessTokenRejectedError(), 1)) == 0
    assert policy.wait(retry_state(rate_limit("concurrency", 7, "header"), 1)) == 7
    first, third = (
        policy.wait(retry_state(rate_limit("concurrency", 60, "text"), attempt)) for attempt in (1, 3)
    )
    assert 0.25 <= first <= 0.5
    assert 1.0 <= third <= 1.25


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (APIConnectionError(), 2),
        (APIConnectionError(permanent=True), 1),
        (AuthenticationError(), 1),
        (AuthenticationError(status_code=503), 2),
        (AuthenticationError(status_code=403), 1),
        (SessionExpiredError(status_code=200), 1),
        (ChallengeError(), 1),
    ],
)
@pytest.mark.anyio
async def test_retrying_refresh_retries_network_and_server_errors(error: Exception, tries: int) -> None:
    calls = list[int]()

    async def work() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        await retrying_refresh(work, retries=1)
    assert len(calls) == tries


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (APIStatusError(status_code=500), 2),
        (StreamInterruptedError(), 2),
        (APIStatusError(status_code=422), 1),
    ],
)
@pytest.mark.anyio
async def test_retrying_read_retries_network_and_server_errors(error: Exception, tries: int) -> None:
    calls = list[int]()

    async def work() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        await retrying_read(work, retries=1)
    assert len(calls) == tries
