"""What may be sent again, how often and after how long. Tenacity does the repeating.

A message is sent again only where the site has said that it did not take it: its token was refused, a challenge stood in the way,
or another message was under way. What broke off in the middle, or timed out, may have been taken, and is the caller's to judge.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
    wait_none,
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
from .._core.telemetry import count_retry

__all__ = ["RetryPolicy", "retrying_refresh", "retrying_send"]

logger = logging.getLogger("chatgpt_browser")
T = TypeVar("T")

_BACKOFF = wait_exponential_jitter(multiplier=0.25, max=8, jitter=0.25)
#: The longest delay (in seconds) that a site may ask for and still be waited for within a call.
_LONGEST_WAIT = 30.0

Remedy = Callable[[Exception], Awaitable[object]]


def _may_refresh_again(error: BaseException) -> bool:
    """A network that failed, or a server that did: neither says anything about the session, and both may pass."""
    if isinstance(error, APIConnectionError):
        return not error.permanent
    return type(error) is AuthenticationError and (error.status_code or 0) >= 500


async def retrying_refresh(work: Callable[[], Awaitable[T]], *, retries: int) -> T:
    """Ask for the session again where the network or the server failed."""
    return await _repeating(work, _may_refresh_again, retries)


def _may_read_again(error: BaseException) -> bool:
    """A network or a server that failed: to read once more changes nothing there."""
    failed = isinstance(error, APIStatusError) and (error.status_code or 0) >= 500
    return failed or isinstance(error, StreamInterruptedError)


async def retrying_read(work: Callable[[], Awaitable[T]], *, retries: int) -> T:
    """Read once more where the network or the server failed."""
    return await _repeating(work, _may_read_again, retries)


async def _repeating(
    work: Callable[[], Awaitable[T]], may_repeat: Callable[[BaseException], bool], retries: int
) -> T:
    attempts = AsyncRetrying(
        stop=stop_after_attempt(retries + 1),
        wait=_BACKOFF,
        retry=retry_if_exception(may_repeat),
        before_sleep=_tell,
        reraise=True,
    )
    return await attempts(work)


class RetryPolicy:
    """For one message: what is done about a refusal before it is sent again, and how often each is tried."""

    def __init__(self, *, renew_token: Remedy, pass_challenge: Remedy, retries: int) -> None:
        self._left: dict[type[Exception], int] = {
            AccessTokenRejectedError: min(1, retries),
            ChallengeError: min(1, retries),
            RateLimitError: retries,
        }
        self._remedies: dict[type[Exception], Remedy] = {
            AccessTokenRejectedError: renew_token,
            ChallengeError: pass_challenge,
        }

    def allow(self, error: BaseException) -> bool:
        """Whether the message may be sent once more after this error."""
        if isinstance(error, RateLimitError) and not _may_wait_out(error):
            return False
        if self._left.get(type(error), 0) < 1:  # type: ignore[arg-type]
            return False
        self._left[type(error)] -= 1  # type: ignore[index]
        return True

    def wait(self, state: RetryCallState) -> float:
        """Seconds until it is sent again: at once where something is done about it, else as the site asks."""
        error = _error_of(state)
        if not isinstance(error, RateLimitError):
            return wait_none()(state)
        return max(_BACKOFF(state), _demanded(error))

    async def apply(self, state: RetryCallState) -> None:
        """Do what helps."""
        _tell(state)
        error = _error_of(state)
        remedy = self._remedies.get(type(error))
        if remedy is not None:
            await remedy(error)


async def retrying_send(work: Callable[[], Awaitable[T]], remedies: RetryPolicy) -> T:
    """Send a message, and once more where it was refused and something could be done about that."""
    attempts = AsyncRetrying(
        wait=remedies.wait,
        retry=retry_if_exception(remedies.allow),
        before_sleep=remedies.apply,
        reraise=True,
    )
    return await attempts(work)


async def retrying_while_busy(work: Callable[[], Awaitable[T]], *, retries: int) -> T:
    """Have the page send a message once more where the site has refused it, since another one is under way."""
    attempts = AsyncRetrying(
        stop=stop_after_attempt(retries + 1),
        wait=lambda state: max(_BACKOFF(state), _demanded(_error_of(state))),
        retry=retry_if_exception(lambda error: isinstance(error, RateLimitError) and _may_wait_out(error)),
        before_sleep=_tell,
        reraise=True,
    )
    return await attempts(work)


def _may_wait_out(error: RateLimitError) -> bool:
    """Only that another message is under way, and no delay demanded that is longer than a caller would sit through."""
    return error.scope == "concurrency" and _demanded(error) <= _LONGEST_WAIT


def _demanded(error: RateLimitError) -> float:
    """The delay that the site demands. Its fixed sentence ("or wait one minute") is advice: the other message may end sooner."""
    return 0.0 if error.retry_after is None or error.retry_after_from == "text" else error.retry_after


def _error_of(state: RetryCallState) -> Any:
    return state.outcome.exception() if state.outcome is not None else None


def _tell(state: RetryCallState) -> None:
    error = _error_of(state)
    logger.info("trying again after %s: %s", type(error).__name__, error)
    count_retry(error)
