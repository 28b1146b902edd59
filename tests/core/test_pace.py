"""The pace of an account, as data: which message may be sent, which has to wait, and which limits are remembered."""

from __future__ import annotations

from typing import Any

import pytest

from chatgpt_browser import APIStatusError, RateLimitError, UnusualActivityError
from chatgpt_browser._core.pace import KnownLimit, PaceRules, PaceState, limit_of

NOW = 1_800_000_000.0


def limit(name: str, seconds: float = 60, **details: Any) -> KnownLimit:
    return KnownLimit(name, NOW + seconds, NOW - 1, "ChatGPTAPI error 429: Slow down.", details)


def check(*limits: KnownLimit, model: str = "gpt-5", queued_at: float = NOW) -> None:
    PaceState(limits=limits).check_sending(NOW, queued_at=queued_at, model=model)


@pytest.mark.parametrize(
    ("ages", "rules", "seconds"),
    [
        ([], PaceRules(10, 1), 0),
        ([4], PaceRules(10), 6),
        ([30, 4], PaceRules(10), 6),
        ([10], PaceRules(10), 0),
        ([4], PaceRules(), 0),
        ([3600, 3599], PaceRules(0, 2), 0),
        ([7200], PaceRules(3 * 3600), 3600),
        ([-1], PaceRules(10), 11),  # another process has just stored a message
        ([-3000], PaceRules(10, 1), 0),  # the clock was set back
    ],
)
def test_wait_before_sending_interval_returns_seconds(
    ages: list[float], rules: PaceRules, seconds: float
) -> None:
    state = PaceState(tuple(NOW - age for age in ages))
    assert state.wait_before_sending(rules, NOW) == pytest.approx(seconds)


def test_wait_before_sending_full_hour_raises_local_limit() -> None:
    state = PaceState(tuple(NOW - age for age in (3500, 3000, 10)))
    with pytest.raises(RateLimitError, match=r"limit of 3 messages per hour.*may be sent in 100 s") as caught:
        state.wait_before_sending(PaceRules(0, 3), NOW)
    assert (caught.value.scope, caught.value.retry_after, caught.value.remembered) == ("local", 100, False)
    with pytest.raises(RateLimitError) as caught:
        state.wait_before_sending(PaceRules(0, 1), NOW)
    assert caught.value.retry_after == 3590


@pytest.mark.parametrize(
    ("name", "model", "is_stopped"),
    [
        ("hour", "gpt-5", True),
        ("", "gpt-5", True),
        ("model:gpt-5", "gpt-5", True),
        ("model:gpt-5", "o3", False),
        ("model:auto", "text-davinci-002-render", True),
        ("conversations", "gpt-5", False),
    ],
)
def test_check_sending_limit_stops_only_what_it_concerns(name: str, model: str, is_stopped: bool) -> None:
    if not is_stopped:
        check(limit(name), model=model)
        return
    with pytest.raises(
        RateLimitError, match=r"Slow down\. This limit is remembered and ends in 60 s"
    ) as caught:
        check(limit(name, scope="hour", status_code=429), limit(name, 30), model=model)
    assert (caught.value.retry_after, caught.value.remembered, caught.value.status_code) == (60, True, 429)


def test_check_sending_ended_limit_allows_the_message() -> None:
    check(limit("hour", 0), limit("model:gpt-5", -5))


def test_check_reading_only_conversations_limit_stops() -> None:
    PaceState(limits=(limit("hour"), limit("model:gpt-5"))).check_reading(NOW)
    with pytest.raises(RateLimitError):
        PaceState(limits=(limit("conversations"),)).check_reading(NOW)


def test_check_sending_unusual_activity_stops_only_messages_that_waited() -> None:
    error = UnusualActivityError("ChatGPTAPI error 403: unusual activity", status_code=403)
    stop = limit_of(error, model="gpt-5", now=NOW)
    assert stop is not None
    check(stop, queued_at=NOW)
    with pytest.raises(UnusualActivityError, match="while it was waiting") as caught:
        check(stop, queued_at=NOW - 0.1)
    assert caught.value.status_code == 403


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (RateLimitError(retry_after=9, retry_after_from="header", scope="hour"), "hour"),
        (RateLimitError(retry_after=9, retry_after_from="body", scope="model"), "model:gpt-5"),
        (RateLimitError(retry_after=9, retry_after_from="header"), ""),
        (RateLimitError(retry_after=9, retry_after_from="header", scope="concurrency"), None),
        (RateLimitError(retry_after=9, scope="local"), None),
        (RateLimitError(retry_after=9, scope="hour", remembered=True), None),
        (RateLimitError(retry_after=3600, retry_after_from="text", scope="hour"), None),
        (RateLimitError(scope="hour"), None),
        (APIStatusError(status_code=500), None),
    ],
)
def test_limit_of_error_with_known_end_is_remembered(error: APIStatusError, name: str | None) -> None:
    found = limit_of(error, model="gpt-5", now=NOW)
    assert (found and (found.name, found.until)) == (None if name is None else (name, NOW + 9))
