"""The pace of an account: the sent messages, the limits that the site has reported, and the wait before the next message.

This module uses no clock and no store. The callers pass the current time and the stored data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import APIStatusError, RateLimitError, UnusualActivityError
from .options import SITE_CHOICE_MODELS

HOUR = 3600.0
#: The name of the limit for reading conversations.
CONVERSATIONS = "conversations"
#: The name under which an unusual-activity response is recorded.
UNUSUAL_ACTIVITY = "unusual activity"
#: The scopes of rate limits that are not remembered. The end of the limit "concurrency" is unknown: the limit ends as soon as the
#: reply to another message is complete. The limit "local" comes from the option ``messages_per_hour``, not from the site.
_FORGOTTEN_SCOPES = ("concurrency", "local")
#: The attributes of an error that are stored together with the limit.
_ERROR_FIELDS = ("status_code", "detail", "code")
#: If a recorded time is more than this number of seconds in the future, the clock was set back, and the time is ignored.
_CLOCK_STEP = 60.0


@dataclass(frozen=True)
class PaceRules:
    """The pace that the user has chosen. ``min_interval`` is in seconds. ``messages_per_hour`` is None if there is no limit."""

    min_interval: float = 0.0
    messages_per_hour: int | None = None

    @property
    def is_set(self) -> bool:
        """True if a rule limits the messages."""
        return self.min_interval > 0 or self.messages_per_hour is not None


@dataclass(frozen=True)
class KnownLimit:
    """A remembered refusal of the site: a rate limit, or a report of unusual activity. Times are in seconds since the epoch.

    ``recorded_at`` is the time of the refusal, and ``until`` is the time at which the limit ends. ``name`` is the scope of the
    rate limit; for a model's limit, the name also contains the model. The name of a report of unusual activity is
    :data:`UNUSUAL_ACTIVITY`. Such a report stops the messages that are already waiting at ``recorded_at``, but no later message.
    Therefore its ``until`` equals ``recorded_at``. ``details`` contains attributes of the error.
    """

    name: str
    until: float
    recorded_at: float
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def error(self, now: float) -> RateLimitError:
        """Return the error of a remembered rate limit, with the seconds until the limit ends."""
        left = max(0.0, self.until - now)
        return RateLimitError(
            f"{self._sentence} This limit is remembered and ends in {left:.0f} s. No request was sent.",
            retry_after=left,
            remembered=True,
            **self.details,
        )

    def stop_error(self) -> UnusualActivityError:
        """Return the error for a message that was waiting when the site reported unusual activity."""
        return UnusualActivityError(
            f"The message was not sent: while it was waiting, the site refused another message of the account. {self._sentence}",
            **self.details,
        )

    @property
    def _sentence(self) -> str:
        return self.message if self.message.endswith((".", ")")) else f"{self.message}."


@dataclass(frozen=True)
class PaceState:
    """The times of the account's sent messages, in any order, and the account's remembered limits."""

    sent_at: tuple[float, ...] = ()
    limits: tuple[KnownLimit, ...] = ()

    def check_reading(self, now: float) -> None:
        """Check that no limit stops the reading of conversations.

        :raises RateLimitError: a remembered limit has not ended.
        """
        self._check(now, (CONVERSATIONS,))

    def check_sending(self, now: float, *, queued_at: float, model: str) -> None:
        """Check that no limit of the site stops a message.

        :param queued_at: the time at which the message began to wait.
        :raises UnusualActivityError: the site has reported unusual activity since ``queued_at``.
        :raises RateLimitError: a remembered limit has not ended.
        """
        for limit in self.limits:
            if limit.name == UNUSUAL_ACTIVITY and queued_at < limit.recorded_at <= now + _CLOCK_STEP:
                raise limit.stop_error()
        names = [limit.name for limit in self.limits if not limit.name.startswith("model:")]
        self._check(now, (*(name for name in names if name != CONVERSATIONS), model_name(model)))

    def _check(self, now: float, names: tuple[str, ...]) -> None:
        known = [limit for limit in self.limits if limit.name in names and limit.until > now]
        if known:
            raise max(known, key=lambda limit: limit.until).error(now)

    def wait_before_sending(self, rules: PaceRules, now: float) -> float:
        """Return the number of seconds until ``min_interval`` allows the next message, or 0 if it allows the message now.

        :raises RateLimitError: the account has sent ``messages_per_hour`` messages in the last hour.
        """
        sent_at = sorted(at for at in self.sent_at if at <= now + _CLOCK_STEP)
        limit = rules.messages_per_hour
        recent = [at for at in sent_at if at > now - HOUR]
        if limit is not None and len(recent) >= limit:
            raise local_limit_error(limit, recent[-limit] + HOUR - now)
        return max(0.0, sent_at[-1] + rules.min_interval - now) if sent_at else 0.0


def model_name(model: str) -> str:
    """Return the name of a model's limit. All values of ``model`` that let the site choose share one name."""
    return f"model:{'auto' if model in SITE_CHOICE_MODELS else model}"


def limit_of(error: APIStatusError, *, model: str, now: float) -> KnownLimit | None:
    """Return the limit to remember after an error of the site, or None if the error contains no limit to remember.

    A rate limit is remembered if a header or a field of the response contains the end of the limit. Some responses contain only a
    sentence such as "Too many requests in 1 hour". Then the end of the limit is unknown, and the limit is not remembered.
    """
    details = {name: value for name in _ERROR_FIELDS if (value := getattr(error, name)) is not None}
    if isinstance(error, UnusualActivityError):
        return KnownLimit(UNUSUAL_ACTIVITY, now, now, str(error), details)
    if not isinstance(error, RateLimitError) or error.remembered or error.scope in _FORGOTTEN_SCOPES:
        return None
    if error.retry_after is None or error.retry_after_from == "text":
        return None
    name = model_name(model) if error.scope == "model" else error.scope or ""
    details |= {"scope": error.scope, "retry_after_from": error.retry_after_from}
    return KnownLimit(name, now + error.retry_after, now, str(error), details)


def local_limit_error(messages_per_hour: int, seconds: float) -> RateLimitError:
    """Return the error for a message that would exceed ``messages_per_hour``. The next message is allowed after ``seconds``."""
    messages = "1 message" if messages_per_hour == 1 else f"{messages_per_hour} messages"
    limit = f"the limit of {messages} per hour"
    return RateLimitError(
        f"The message was not sent: {limit} (messages_per_hour) is reached. The next message may be sent in {seconds:.0f} s.",
        retry_after=seconds,
        scope="local",
        detail=limit,
    )
