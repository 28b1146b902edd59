"""``send_many``: the batch with a fake sender, then both clients through a real Chromium."""

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
    JobUncertainError,
    RateLimitError,
    SessionExpiredError,
    StreamInterruptedError,
)
from chatgpt_browser._client import job_run
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
class FakeSender:
    """Records prompts and replies at once. A message with a gate waits for it; a message with errors raises the next one."""

    errors: dict[str, list[Exception]] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    sent: list[Prompt] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0
    ids: dict[int, str] = field(default_factory=dict)
    released: list[int] = field(default_factory=list)

    async def release(self, index: int) -> None:
        self.released.append(index)

    @property
    def texts(self) -> list[str]:
        return [prompt.text for prompt in self.sent]

    async def send(self, index: int, message: BatchMessage, prompt: Prompt) -> ReplyResult:
        self.ids[index] = f"job {index}"
        self.sent.append(prompt)
        self.times.append(time.monotonic())
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            if gate := self.gates.get(prompt.text):
                await gate.wait()
            if errors := self.errors.get(prompt.text):
                raise errors.pop(0)
            conversation = prompt.conversation_id or f"c-{prompt.text}"
            return ReplyResult(f"re {prompt.text}", conversation, f"m-{prompt.text}")
        finally:
            self.in_flight -= 1

    def results(self, messages: Any, **how: Any) -> AsyncIterator[BatchResult]:
        settings = {"window": 1, "in_order": True, "longest_pause": 60.0, "signal": None} | how

        async def begin() -> Batch:
            return Batch(self, **settings)

        return _results(begin, messages)


def outcomes(results: list[BatchResult]) -> list[str | type[Exception]]:
    return [result.reply if result.error is None else type(result.error) for result in results]  # type: ignore[misc]


async def run_pending_tasks() -> None:
    """Let the event loop run until no task makes progress without an outside event."""
    for _ in range(20):
        await asyncio.sleep(0)


# ---- order and window -------------------------------------------------------------------------------------------------


async def test_send_many_with_window_of_1_takes_next_message_after_result() -> None:
    sender, taken = FakeSender(), []

    def messages() -> Iterator[str]:
        for text in "abc":
            taken.append(text)
            yield text

    results = sender.results(messages())
    first = await anext(results)
    await run_pending_tasks()
    assert (first.index, first.reply, first.message) == (0, "re a", BatchMessage("a"))
    assert (taken, sender.texts) == (["a"], ["a"])  # "b" is sent when the caller asks for the next result

    assert [(r.index, r.reply) async for r in results] == [(1, "re b"), (2, "re c")]
    assert sender.peak == 1


@pytest.mark.parametrize(("in_order", "order"), [(True, "abcdefg"), (False, "bdefgac")])
async def test_send_many_with_window_of_3_keeps_three_messages_in_flight(in_order: bool, order: str) -> None:
    gates = {text: asyncio.Event() for text in "abc"}
    sender, seen = FakeSender(gates=gates), ""

    async def messages() -> AsyncIterator[str]:
        for text in "abcdefg":
            yield text

    results = sender.results(messages(), window=3, in_order=in_order)
    waiting = asyncio.ensure_future(anext(results))
    await run_pending_tasks()
    assert sender.texts == ["a", "b", "c"]
    gates["b"].set()
    await run_pending_tasks()
    assert waiting.done() is not in_order
    assert sender.texts == ["a", "b", "c"], "the caller has not handled the result of b yet"
    if not in_order:
        seen = (await waiting).message.text
        seen += "".join([(await anext(results)).message.text for _ in range(4)])
    gates["a"].set()
    if in_order:
        seen = (await waiting).message.text
    gates["c"].set()
    seen += "".join([result.message.text async for result in results])

    assert seen == order
    assert sender.texts == list("abcdefg")
    assert sender.peak == 3


async def test_send_many_with_slow_source_yields_finished_results() -> None:
    sender, more = FakeSender(), asyncio.Event()

    async def messages() -> AsyncIterator[str]:
        yield "a"
        await more.wait()
        yield "b"

    results = sender.results(messages(), window=2)
    assert (await anext(results)).reply == "re a"
    more.set()
    assert [result.reply async for result in results] == ["re b"]


async def test_send_many_closed_early_cancels_messages_in_flight() -> None:
    sender = FakeSender(gates={"b": asyncio.Event(), "c": asyncio.Event()})
    results = sender.results("abcd", window=3)
    assert (await anext(results)).reply == "re a"
    await run_pending_tasks()
    assert sender.in_flight == 2
    await results.aclose()  # type: ignore[attr-defined]
    assert sender.in_flight == 0


# ---- conversations -----------------------------------------------------------------------------------------------------


async def test_send_many_conversation_continues_from_previous_reply() -> None:
    sender = FakeSender(gates={"a": asyncio.Event()})
    messages = [
        BatchMessage("a", conversation="one", model="gpt-x"),
        BatchMessage("b", conversation="one"),
        BatchMessage("c"),
        BatchMessage("d", conversation_id="old"),
        BatchMessage("e", conversation_id="old"),
    ]
    results = sender.results(messages, window=5, in_order=False)
    assert [(await anext(results)).reply for _ in range(3)] == ["re c", "re d", "re e"]
    sender.gates["a"].set()
    rest = [result async for result in results]

    assert [(r.reply, r.conversation_id, r.message_id) for r in rest] == [
        ("re a", "c-a", "m-a"),
        ("re b", "c-a", "m-b"),
    ]
    places = {p.text: (p.conversation_id, p.parent_message_id, p.options.model) for p in sender.sent}
    assert places == {
        "a": (None, None, "gpt-x"),
        "b": ("c-a", "m-a", None),
        "c": (None, None, None),
        "d": ("old", None, None),
        "e": ("old", "m-d", None),
    }


async def test_send_many_after_failure_skips_rest_of_conversation() -> None:
    sender = FakeSender(errors={"a": [StreamInterruptedError("broke off")]})
    messages = [BatchMessage(text, conversation="one") for text in "ab"] + [BatchMessage("c")]
    results = [result async for result in sender.results(messages)]

    assert outcomes(results) == [StreamInterruptedError, ChatGPTError, "re c"]
    assert "not sent" in str(results[1].error)
    assert sender.texts == ["a", "c"]


# ---- pauses ------------------------------------------------------------------------------------------------------------


def rate_limit_error(retry_after: float | None) -> RateLimitError:
    return RateLimitError("Too many requests", status_code=429, retry_after=retry_after, scope="hour")


@pytest.mark.parametrize("window", [1, 2])
async def test_send_many_rate_limit_pauses_for_retry_after(
    window: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatgpt_browser")
    sender = FakeSender(errors={"b": [rate_limit_error(0.2), rate_limit_error(0.1)]})
    results = [result async for result in sender.results("abcd", window=window)]
    ended = time.monotonic()

    assert outcomes(results) == ["re a", "re b", "re c", "re d"]
    attempts = [when for text, when in zip(sender.texts, sender.times, strict=True) if text == "b"]
    assert len(attempts) == 3
    assert attempts[1] - attempts[0] >= 0.2
    assert attempts[2] - attempts[1] >= 0.1
    if window == 1:
        assert sender.texts == ["a", "b", "b", "b", "c", "d"]
    pauses = [record for record in caplog.records if getattr(record, "chatgpt_event", "") == "paused"]
    assert len(pauses) == 2
    assert "as the site asks: Too many requests" in pauses[0].getMessage()
    last_sent = dict(zip(sender.texts, sender.times, strict=True))
    assert all(result.seconds < ended - last_sent[result.message.text] + 0.1 for result in results), (
        "a result's duration does not include pauses"
    )


@pytest.mark.parametrize("retry_after", [None, 61.0])
async def test_send_many_rate_limit_without_usable_retry_after_raises(retry_after: float | None) -> None:
    sender = FakeSender(errors={"b": [rate_limit_error(retry_after)]}, gates={"a": asyncio.Event()})
    results = sender.results("abcd", window=2)
    waiting = asyncio.ensure_future(anext(results))
    await run_pending_tasks()
    assert sender.texts == ["a", "b"]
    sender.gates["a"].set()
    assert (await waiting).reply == "re a"  # a message in flight is completed
    with pytest.raises(RateLimitError):
        await anext(results)
    assert sender.texts == ["a", "b"]


async def test_send_many_aborted_during_pause_raises() -> None:
    controller, sender = AbortController(), FakeSender(errors={"a": [rate_limit_error(50)]})
    results = sender.results("ab", signal=controller.signal)
    waiting = asyncio.ensure_future(anext(results))
    await run_pending_tasks()
    controller.abort("enough")
    with pytest.raises(AbortError, match="enough"):
        await asyncio.wait_for(waiting, 20)
    assert sender.texts == ["a"]


# ---- ends --------------------------------------------------------------------------------------------------------------


async def test_send_many_failed_message_yields_error_result() -> None:
    sender = FakeSender(errors={"b": [APIStatusError("Something went wrong", status_code=500)]})
    assert outcomes([r async for r in sender.results("abc")]) == ["re a", APIStatusError, "re c"]


@pytest.mark.parametrize(
    "error", [SessionExpiredError("gone"), APIStatusError("unusual activity", status_code=403)]
)
async def test_send_many_error_of_all_messages_raises(error: Exception) -> None:
    sender, seen = FakeSender(errors={"b": [error]}), []
    with pytest.raises(type(error)):
        async for result in sender.results("abcd"):
            seen.append(result.reply)  # noqa: PERF401
    assert (seen, sender.texts) == (["re a"], ["a", "b"])


async def test_send_many_failing_source_raises_after_earlier_results() -> None:
    sender, seen = FakeSender(), []

    def messages() -> Iterator[str]:
        yield "a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async for result in sender.results(messages(), window=2):
            seen.append(result.reply)  # noqa: PERF401
    assert seen == ["re a"]


@pytest.mark.parametrize("invalid", [None, 7])
async def test_send_many_invalid_message_raises_type_error(invalid: Any) -> None:
    sender, seen = FakeSender(), []
    with pytest.raises(TypeError, match="must be a str"):
        async for result in sender.results(["a", invalid, "b"]):
            seen.append(result.reply)  # noqa: PERF401
    assert (seen, sender.texts) == (["re a"], ["a"])


async def test_send_many_without_messages_yields_nothing() -> None:
    assert [result async for result in FakeSender().results([])] == []


# ---- both clients --------------------------------------------------------------------------------------------------------


def test_sync_send_many_through_browser_yields_every_outcome(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
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


def test_sync_send_many_closed_early_sends_no_further_message(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gate = Gate()
    stuck = scripted_site.answering(Reply("one two", hold_after=1, gate=gate))
    results = api.send_many(["Hello", stuck])
    assert next(results).reply == 'You said: "Hello".'
    assert len(scripted_site.posts) == 1
    results.close()  # type: ignore[attr-defined]
    assert can_send(api)
    assert len(scripted_site.posts) == 2


def test_sync_send_many_failing_source_raises_after_earlier_results(api: ChatGPTAPI) -> None:
    def messages() -> Iterator[str]:
        yield "Hello"
        raise ZeroDivisionError

    results = api.send_many(messages())
    assert next(results).reply == 'You said: "Hello".'
    with pytest.raises(ZeroDivisionError):
        next(results)


async def test_async_send_many_through_browser_yields_every_outcome(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_run, "_LOOKUP_PAUSES", (0.05,))
    lost = async_scripted_site.answering(Break())
    results = [result async for result in async_api.send_many(["Hello", lost], in_order=False)]
    assert outcomes(results) == ['You said: "Hello".', JobUncertainError]
    error = results[1].error
    assert error is not None
    assert isinstance(error.__cause__, StreamInterruptedError)
    # The program has handled both results, and only the uncertain message needs a person.
    states = {job.id: job.state for job in await async_api.list_jobs()}
    assert [states.get(result.job_id or "") for result in results] == [None, "uncertain"]


@pytest.mark.parametrize("option", [{"timeout_ms": -1}, {"longest_pause": -1}, {"longest_pause": "long"}])
def test_sync_send_many_with_invalid_option_raises_at_the_call(
    option: dict[str, Any], api: ChatGPTAPI
) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        api.send_many(["Hello"], **option)
