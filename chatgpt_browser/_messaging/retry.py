"""Decides whether a failed call is retried, how often, and with what delay. The package tenacity repeats the calls.

A message is sent again only if the site's response shows that the site did not accept the message. This is the case if the site
refused the access token, responded with a challenge, or allows only one message at a time. After a timeout or a broken
connection, the site may have accepted the message. Therefore the message is not sent again, and the caller gets the error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from .._core.errors import (
    AccessTokenRejectedError,
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ChallengeError,
    RateLimitError,
    StreamInterruptedError,
)
from .._core.log import logger
from .._core.telemetry import count_retry

T = TypeVar("T")

_BACKOFF = wait_exponential_jitter(multiplier=0.25, max=8, jitter=0.25)
#: The longest ``Retry-After`` in seconds. If the site requests a longer wait, the call fails.
_MAX_RETRY_AFTER = 30.0

Remedy = Callable[[], Awaitable[object]]


def _is_refresh_retriable(error: BaseException) -> bool:
    """Return whether a refresh of the session may be retried: the network or the server failed, perhaps temporarily."""
    if isinstance(error, APIConnectionError):
        return not error.permanent
    return type(error) is AuthenticationError and (error.status_code or 0) >= 500


async def retrying_refresh(work: Callable[[], Awaitable[T]], *, retries: int) -> T:
    """Call ``work``, which refreshes the session. If the network or the server failed, repeat the call. Return the result."""
    return await _repeating(work, _is_refresh_retriable, retries)


def _is_read_retriable(error: BaseException) -> bool:
    """Return whether a read request may be retried: the network or the server failed. Reading has no side effects."""
    failed = isinstance(error, APIStatusError) and (error.status_code or 0) >= 500
    return failed or isinstance(error, StreamInterruptedError)


async def retrying_read(work: Callable[[], Awaitable[T]], *, retries: int) -> T:
    """Call ``work``, which reads data. If the network or the server failed, repeat the call. Return the result."""
    return await _repeating(work, _is_read_retriable, retries)


async def _repeating(
    work: Callable[[], Awaitable[T]], may_repeat: Callable[[BaseException], bool], retries: int
) -> T:
    attempts = AsyncRetrying(
        stop=stop_after_attempt(retries + 1),
        wait=_BACKOFF,
        retry=retry_if_exception(may_repeat),
        before_sleep=_report,
        reraise=True,
    )
    return await attempts(work)


class RetryPolicy:
    """Decides whether one message is sent again after an error, how often, and which function is called before the next attempt.

    :param renew_token: a function that is called after the site has refused the access token. If it is None, the message is not
        sent again after this error.
    :param pass_challenge: a function that is called after a challenge. If it is None, the message is not sent again after a
        challenge.
    """

    def __init__(
        self, *, retries: int, renew_token: Remedy | None = None, pass_challenge: Remedy | None = None
    ) -> None:
        remedies = {AccessTokenRejectedError: renew_token, ChallengeError: pass_challenge}
        self._remedies = {error: remedy for error, remedy in remedies.items() if remedy is not None}
        self._left: dict[Any, int] = dict.fromkeys(self._remedies, min(1, retries)) | {
            RateLimitError: retries
        }

    def allow(self, error: BaseException) -> bool:
        """Return whether the message may be sent again after this error. If so, count this retry."""
        if isinstance(error, RateLimitError) and not _may_wait_out(error):
            return False
        if self._left.get(type(error), 0) < 1:
            return False
        self._left[type(error)] -= 1
        return True

    def wait(self, state: RetryCallState) -> float:
        """Return the delay before a retry, in seconds.

        After a rate limit, the result is the back-off or the delay that the site requests, whichever is longer. After other
        errors, the result is 0.
        """
        error = _error_of(state)
        if not isinstance(error, RateLimitError):
            return 0.0
        return max(_BACKOFF(state), _requested_delay(error))

    async def apply(self, state: RetryCallState) -> None:
        """Log the retry. If the policy has a remedy for the error (such as a new access token), call the remedy."""
        _report(state)
        if (remedy := self._remedies.get(type(_error_of(state)))) is not None:
            await remedy()


async def retrying_send(work: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """Call ``work``, which sends a message. After an error, repeat the call if the policy allows this. Return the result."""
    attempts = AsyncRetrying(
        wait=policy.wait,
        retry=retry_if_exception(policy.allow),
        before_sleep=policy.apply,
        reraise=True,
    )
    return await attempts(work)


def _may_wait_out(error: RateLimitError) -> bool:
    """Return True if the error reports too many messages in flight, and requests a delay of at most 30 s."""
    return error.scope == "concurrency" and _requested_delay(error) <= _MAX_RETRY_AFTER


def _requested_delay(error: RateLimitError) -> float:
    """Return the delay that the site requests, in seconds, or 0 if the site requests no delay.

    A delay in the error's text ("or wait one minute") is ignored, because the message that is in flight may end earlier.
    """
    return 0.0 if error.retry_after is None or error.retry_after_from == "text" else error.retry_after


def _error_of(state: RetryCallState) -> Any:
    return state.outcome.exception() if state.outcome is not None else None


def _report(state: RetryCallState) -> None:
    error = _error_of(state)
    logger.info("retrying after %s: %s", type(error).__name__, error)
    count_retry(error)
