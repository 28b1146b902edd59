"""Many messages: the batch as plain data and a verb that sends, then both faces through a real Chromium."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    APIStatusError,
    BatchMessage,
    BatchResult,
    ChatGPTError,
    RateLimitError,
    SessionExpiredError,
    StreamInterruptedError,
)
from chatgpt_browser._client.batch import Batch, ReplyResult
from chatgpt_browser._client.send_many import _results
from chatgpt_browser.testing import Answer, Break, Gate, Reply
from tests.support.scripted_site import can_send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from chatgpt_browser._core.models import Prompt
    from tests.support.scripted_site import ScriptedSite

pytestmark = pytest.mark.anyio


@dataclass
class Site:
    """Answers at once, unless it is told an error or a gate for a message; keeps what it was sent."""

    errors: dict[str, list[Exception]] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    sent: list[Prompt] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    under_way: int = 0
    peak: int = 0

    @property
    def texts(self) -> list[str]:
        return [prompt.text for prompt in self.sent]

    async def send(self, prompt: Prompt) -> ReplyResult:
        self.sent.append(prompt)
        self.times.append(time.monotonic())
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            if gate := self.gates.get(prompt.text):
                await gate.wait()
            if errors := self.errors.get(prompt.text):
                raise errors.pop(0)
            conversation = prompt.conversation_id or f"c-{prompt.text}"
            return ReplyResult(f"re {prompt.text}", conversation, f"m-{prompt.text}")
        finally:
            self.under_way -= 1

    def results(self, messages: Any, **how: Any) -> AsyncIterator[BatchResult]:
        settings = {"window": 1, "in_order": True, "longest_pause": 60.0, "signal": None} | how

        async def begin() -> Batch:
            return Batch(self.send, **settings)

        return _results(begin, messages)


def outcomes(results: list[BatchResult]) -> list[str | type[Exception]]:
    return [result.reply if result.error is None else type(result.error) for result in results]  # type: ignore[misc]


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


# ---- what is sent when -------------------------------------------------------------------------------------------------


async def test_one_after_another_and_no_message_is_taken_too_early() -> None:
    site, taken = Site(), []

    def messages() -> Iterator[str]:
        for text in "abc":
            taken.append(text)
            yield text

    results = site.results(messages())
    first = await anext(results)
    await settle()
    assert (first.index, first.reply, first.message) == (0, "re a", BatchMessage("a"))
    assert (taken, site.texts) == (["a"], ["a"])  # the next is sent when this result has been dealt with

    assert [(r.index, r.reply) async for r in results] == [(1, "re b"), (2, "re c")]
    assert site.peak == 1


@pytest.mark.parametrize(("in_order", "order"), [(True, "abcdefg"), (False, "bdefgac")])
async def test_a_few_at_once(in_order: bool, order: str) -> None:
    gates = {text: asyncio.Event() for text in "abc"}
    site, seen = Site(gates=gates), ""

    async def messages() -> AsyncIterator[str]:
        for text in "abcdefg":
            yield text

    results = site.results(messages(), window=3, in_order=in_order)
    waiting = asyncio.ensure_future(anext(results))
    await settle()
    assert site.texts == ["a", "b", "c"]
    gates["b"].set()
    await settle()
    assert waiting.done() is not in_order
    assert site.texts == ["a", "b", "c"], "b's result has not been dealt with"
    if not in_order:
        seen = (await waiting).message.text
        seen += "".join([(await anext(results)).message.text for _ in range(4)])
    gates["a"].set()
    if in_order:
        seen = (await waiting).message.text
    gates["c"].set()
    seen += "".join([result.message.text async for result in results])

    assert seen == order
    assert site.texts == list("abcdefg")
    assert site.peak == 3


async def test_results_do_not_wait_for_a_slow_source() -> None:
    site, more = Site(), asyncio.Event()

    async def messages() -> AsyncIterator[str]:
        yield "a"
        await more.wait()
        yield "b"

    results = site.results(messages(), window=2)
    assert (await anext(results)).reply == "re a"
    more.set()
    assert [result.reply async for result in results] == ["re b"]


async def test_leaving_early_ends_what_is_under_way() -> None:
    site = Site(gates={"b": asyncio.Event(), "c": asyncio.Event()})
    results = site.results("abcd", window=3)
    assert (await anext(results)).reply == "re a"
    await settle()
    assert site.under_way == 2
    await results.aclose()  # type: ignore[attr-defined]
    assert site.under_way == 0


# ---- conversations -----------------------------------------------------------------------------------------------------


async def test_a_conversation_goes_on_from_reply_to_reply() -> None:
    site = Site(gates={"a": asyncio.Event()})
    messages = [
        BatchMessage("a", conversation="one", model="gpt-x"),
        BatchMessage("b", conversation="one"),
        BatchMessage("c"),
        BatchMessage("d", conversation_id="old"),
        BatchMessage("e", conversation_id="old"),
    ]
    results = site.results(messages, window=5, in_order=False)
    assert [(await anext(results)).reply for _ in range(3)] == ["re c", "re d", "re e"]
    site.gates["a"].set()
    rest = [result async for result in results]

    assert [(r.reply, r.conversation_id, r.message_id) for r in rest] == [
        ("re a", "c-a", "m-a"),
        ("re b", "c-a", "m-b"),
    ]
    places = {p.text: (p.conversation_id, p.parent_message_id, p.model) for p in site.sent}
    assert places == {
        "a": (None, None, "gpt-x"),
        "b": ("c-a", "m-a", None),
        "c": (None, None, None),
        "d": ("old", None, None),
        "e": ("old", "m-d", None),
    }


async def test_what_follows_a_failure_in_its_conversation_is_not_sent() -> None:
    site = Site(errors={"a": [StreamInterruptedError("broke off")]})
    messages = [BatchMessage(text, conversation="one") for text in "ab"] + [BatchMessage("c")]
    results = [result async for result in site.results(messages)]

    assert outcomes(results) == [StreamInterruptedError, ChatGPTError, "re c"]
    assert "not sent" in str(results[1].error)
    assert site.texts == ["a", "c"]


# ---- pauses ------------------------------------------------------------------------------------------------------------


def limited(retry_after: float | None) -> RateLimitError:
    return RateLimitError("Too many requests", status_code=429, retry_after=retry_after, scope="hour")


@pytest.mark.parametrize("window", [1, 2])
async def test_a_rate_limit_pauses_all_for_as_long_as_the_site_asks(
    window: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatgpt_browser")
    site = Site(errors={"b": [limited(0.2), limited(0.1)]})
    results = [result async for result in site.results("abcd", window=window)]

    assert outcomes(results) == ["re a", "re b", "re c", "re d"]
    attempts = [when for text, when in zip(site.texts, site.times, strict=True) if text == "b"]
    assert len(attempts) == 3
    assert 0.2 <= attempts[1] - attempts[0] < 1
    assert 0.1 <= attempts[2] - attempts[1] < 1
    if window == 1:
        assert site.texts == ["a", "b", "b", "b", "c", "d"]
    pauses = [record for record in caplog.records if getattr(record, "chatgpt_event", "") == "paused"]
    assert len(pauses) == 2
    assert "as the site asks: Too many requests" in pauses[0].getMessage()
    assert all(result.seconds < 0.1 for result in results)


@pytest.mark.parametrize("retry_after", [None, 61.0])
async def test_a_rate_limit_without_an_end_in_sight_ends_it(retry_after: float | None) -> None:
    site = Site(errors={"b": [limited(retry_after)]}, gates={"a": asyncio.Event()})
    results = site.results("abcd", window=2)
    waiting = asyncio.ensure_future(anext(results))
    await settle()
    assert site.texts == ["a", "b"]
    site.gates["a"].set()
    assert (await waiting).reply == "re a"  # what was under way comes to its own end
    with pytest.raises(RateLimitError):
        await anext(results)
    assert site.texts == ["a", "b"]


async def test_a_pause_can_be_left() -> None:
    controller, site = AbortController(), Site(errors={"a": [limited(50)]})
    results = site.results("ab", signal=controller.signal)
    waiting = asyncio.ensure_future(anext(results))
    await settle()
    controller.abort("enough")
    with pytest.raises(AbortError, match="enough"):
        await asyncio.wait_for(waiting, 20)
    assert site.texts == ["a"]


# ---- ends --------------------------------------------------------------------------------------------------------------


async def test_a_failure_is_a_result() -> None:
    site = Site(errors={"b": [APIStatusError("Something went wrong", status_code=500)]})
    assert outcomes([r async for r in site.results("abc")]) == ["re a", APIStatusError, "re c"]


@pytest.mark.parametrize(
    "error", [SessionExpiredError("gone"), APIStatusError("unusual activity", status_code=403)]
)
async def test_what_no_message_gets_past_ends_it(error: Exception) -> None:
    site, seen = Site(errors={"b": [error]}), []
    with pytest.raises(type(error)):
        async for result in site.results("abcd"):
            seen.append(result.reply)  # noqa: PERF401
    assert (seen, site.texts) == (["re a"], ["a", "b"])


async def test_a_source_that_fails_after_what_it_gave() -> None:
    site, seen = Site(), []

    def messages() -> Iterator[str]:
        yield "a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async for result in site.results(messages(), window=2):
            seen.append(result.reply)  # noqa: PERF401
    assert seen == ["re a"]


@pytest.mark.parametrize("odd", [None, 7])
async def test_what_is_no_message_ends_it(odd: Any) -> None:
    site, seen = Site(), []
    with pytest.raises(TypeError, match="must be a str"):
        async for result in site.results(["a", odd, "b"]):
            seen.append(result.reply)  # noqa: PERF401
    assert (seen, site.texts) == (["re a"], ["a"])


async def test_no_messages() -> None:
    assert [result async for result in Site().results([])] == []


# ---- both faces --------------------------------------------------------------------------------------------------------


def test_through_a_browser(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    limit = scripted_site.answering(Answer.too_many_requests(0.2), "at last")
    broken = scripted_site.answering(Reply("one two", break_after=1))
    messages: list[str | BatchMessage] = [
        BatchMessage("My cat is called Ada.", conversation="cats"),
        limit,
        broken,
        BatchMessage("What is it called?", conversation="cats", id="q", model="gpt-4"),
    ]
    results = list(api.send_many(messages, timeout_ms=timedelta(seconds=10)))

    assert outcomes(results) == [
        'You said: "My cat is called Ada.".',
        "at last",
        StreamInterruptedError,
        'You said: "What is it called?". Before that you said: "My cat is called Ada.".',
    ]
    assert [post.json["model"] for post in scripted_site.posts][-1] == "gpt-4"
    assert [post.json["messages"][0]["content"]["parts"][0] for post in scripted_site.posts].count(limit) == 2


def test_a_plain_iterator_that_is_left(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    gate = Gate()
    stuck = scripted_site.answering(Reply("one two", hold_after=1, gate=gate))
    results = api.send_many(["Hello", stuck])
    assert next(results).reply == 'You said: "Hello".'
    assert len(scripted_site.posts) == 1
    results.close()  # type: ignore[attr-defined]
    assert can_send(api)
    assert len(scripted_site.posts) == 2


def test_a_plain_source_that_fails(api: ChatGPTAPI) -> None:
    def messages() -> Iterator[str]:
        yield "Hello"
        raise ZeroDivisionError

    results = api.send_many(messages())
    assert next(results).reply == 'You said: "Hello".'
    with pytest.raises(ZeroDivisionError):
        next(results)


async def test_asynchronously(async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI) -> None:
    refused = async_scripted_site.answering(Break())
    results = [result async for result in async_api.send_many(["Hello", refused], in_order=False)]
    assert outcomes(results) == ['You said: "Hello".', StreamInterruptedError]


@pytest.mark.parametrize("option", [{"timeout_ms": -1}, {"longest_pause": -1}, {"longest_pause": "long"}])
def test_options_are_checked_at_once(option: dict[str, Any], api: ChatGPTAPI) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        api.send_many(["Hello"], **option)
