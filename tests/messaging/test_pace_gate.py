"""The pace of messages and the remembered limits, over the in-memory transport. Two sites with one store act as two processes."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import JobStoreError, RateLimitError, UnusualActivityError
from chatgpt_browser._client.job_runner import JobRunner
from chatgpt_browser._client.send_many import AsyncSendManyMixin
from chatgpt_browser._core.message_options import MessageOptions
from chatgpt_browser._core.models import Prompt
from chatgpt_browser._messaging import retry
from chatgpt_browser._messaging.lease import StandaloneSlot
from chatgpt_browser._transport.base import DeliveryState
from tests.support.memory_site import MemorySite, body, events, head, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from chatgpt_browser._messaging.reply_stream import AsyncReplyStream
    from chatgpt_browser._transport.base import OutgoingMessage
    from chatgpt_browser._transport.response_stream import Frame

pytestmark = pytest.mark.anyio

HOUR_LIMIT = body(429, '{"detail": "Too many requests in 1 hour."}', retry_after="1800")
MODEL_LIMIT = body(429, '{"detail": {"code": "model_cap_exceeded", "message": "Cap.", "clears_in": 90}}')
IN_STREAM = [head(), events({"error": "Suspicious activity was detected.", "error_code": "blocked"})]
UNUSUAL = body(403, '{"detail": "Unusual activity has been detected from your device. Try again later."}')


class Clock:
    """The clock of the gates. The test sets the time, and each wait of a gate advances it."""

    def __init__(self) -> None:
        self.now = 1_900_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def site(
    *answers: Iterable[Frame], clock: Clock | None = None, **options: Any
) -> AsyncIterator[MemorySite]:
    """Yield a site with these answers. The last answer is repeated. Close the sender after the block."""
    left = list(answers or [reply()])

    def handle(message: OutgoingMessage) -> Iterable[Frame]:
        message.delivery.state = DeliveryState.SENT
        return left.pop(0) if len(left) > 1 else left[0]

    site = MemorySite(handle, **options)
    if clock is not None:
        pace: Any = site.sender.pace
        pace._clock, pace._sleep = clock, clock.sleep
    try:
        yield site
    finally:
        await site.sender.close()


async def text_of(stream: AsyncReplyStream) -> str:
    return "".join([piece async for piece in stream])


async def refusal_of(stream: AsyncReplyStream) -> RateLimitError:
    with pytest.raises(RateLimitError) as caught:
        await text_of(stream)
    return caught.value


# ---- the user's pace -------------------------------------------------------------------------------------------------


async def test_messages_per_hour_is_shared_by_two_processes(tmp_path: Path, clock: Clock) -> None:
    options: dict[str, Any] = {"messages_per_hour": 2, "job_store": tmp_path / "jobs.sqlite3"}
    async with site(clock=clock, **options) as one, site(clock=clock, **options) as other:
        await text_of(one.stream())
        clock.now += 600
        await text_of(other.stream())

        refusal = await refusal_of(one.stream())
        assert (refusal.scope, refusal.retry_after, refusal.remembered) == ("local", 3000, False)
        assert (await refusal_of(other.stream())).scope == "local"
        assert (len(one.messages), len(other.messages)) == (1, 1)

        clock.now += 3000
        await text_of(one.stream())


async def test_messages_per_hour_message_that_was_not_sent_does_not_count(
    tmp_path: Path, clock: Clock
) -> None:
    async with site(clock=clock, messages_per_hour=1, job_store=tmp_path / "jobs.sqlite3") as client:

        def refuse(message_id: str | None) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await text_of(client.stream(before_send=refuse))
        await text_of(client.stream())


async def test_min_interval_message_waits_for_the_other_process(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {"min_interval": 30_000, "job_store": tmp_path / "jobs.sqlite3"}
    async with site(clock=clock, **options) as one, site(clock=clock, **options) as other:
        with caplog.at_level(logging.INFO, "chatgpt_browser"):
            await text_of(one.stream())
            assert clock.slept == []
            clock.now += 5
            await text_of(other.stream())
            await text_of(one.stream())
    assert clock.slept == [10, 10, 5, 10, 10, 10]
    assert "waiting 25 s: min_interval is 30 s" in caplog.text


async def test_pace_with_unusable_store_raises_and_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with site(messages_per_hour=5, job_store=tmp_path / "file" / "jobs.sqlite3") as client:
        with pytest.raises(JobStoreError):
            await text_of(client.stream())
        assert client.messages == []


async def test_unusable_store_without_pace_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    async with site(job_store=tmp_path / "file" / "jobs.sqlite3") as client:
        client.sender.pace.use_store()
        assert await text_of(client.stream()) == "Hello"
    assert "limits are not shared with other processes" in caplog.text


async def test_client_without_pace_opens_no_store(tmp_path: Path) -> None:
    async with site(HOUR_LIMIT, job_store=tmp_path / "jobs.sqlite3") as client:
        await refusal_of(client.stream())
    assert os.listdir(tmp_path) == []


# ---- remembered limits -----------------------------------------------------------------------------------------------


async def test_rate_limit_with_known_end_is_remembered_without_a_request(clock: Clock) -> None:
    async with site(HOUR_LIMIT, reply(), clock=clock) as client:
        first = await refusal_of(client.stream())
        assert (first.remembered, first.retry_after) == (False, 1800)
        tokens = len(client.browser.access_tokens)

        clock.now += 100
        second = await refusal_of(client.stream())
        assert (second.remembered, second.retry_after, second.scope) == (True, 1700, "hour")
        assert second.status_code == 429
        assert (len(client.messages), len(client.browser.access_tokens)) == (1, tokens)

        clock.now += 1700
        assert await text_of(client.stream()) == "Hello"


async def test_rate_limit_is_remembered_by_another_process(tmp_path: Path, clock: Clock) -> None:
    store = tmp_path / "jobs.sqlite3"
    async with (
        site(HOUR_LIMIT, clock=clock, job_store=store) as one,
        site(clock=clock, job_store=store) as other,
    ):
        one.sender.pace.use_store()
        other.sender.pace.use_store()
        await refusal_of(one.stream())
        assert (await refusal_of(other.stream())).remembered
        # The account of the session token is known from the store, so the site was not asked for the session.
        assert other.browser.access_tokens == []


async def test_rate_limit_of_a_model_stops_only_this_model() -> None:
    async with site(MODEL_LIMIT, reply()) as client:
        await refusal_of(client.stream(options=MessageOptions(model="gpt-5")))
        assert await text_of(client.stream(options=MessageOptions(model="o3"))) == "Hello"
        assert (await refusal_of(client.stream(options=MessageOptions(model="gpt-5")))).remembered


async def test_rate_limit_without_known_end_is_not_remembered() -> None:
    for answer in (
        body(429, '{"detail": "Too many requests in 1 hour. Try again later."}'),
        body(429, '{"detail": "Only one message at a time."}', retry_after="600"),
    ):
        async with site(answer, reply()) as client:
            await refusal_of(client.stream())
            assert await text_of(client.stream()) == "Hello"


# ---- unusual activity ------------------------------------------------------------------------------------------------


async def test_unusual_activity_stops_messages_that_wait_but_no_running_reply() -> None:
    running = reply()[:1]
    async with site(running, UNUSUAL, reply(), send_via="fetch", max_concurrent_messages=2) as client:
        client.sender.permits.limit = 2
        answering = client.stream("first")
        await answering._open()
        waiting = [asyncio.create_task(text_of(client.stream(str(n)))) for n in range(4)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, UnusualActivityError) for result in results)
        assert [str(result).startswith("The message was not sent") for result in results] == [
            False,
            True,
            True,
            True,
        ]

        client.transport.deliver(client.transport.streams[0], reply()[1])
        assert await text_of(answering) == "Hello"
        assert await text_of(client.stream("a later call")) == "Hello"
        assert [message.prompt.text for message in client.messages] == ["first", "0", "a later call"]


async def test_unusual_activity_fails_a_queued_job_and_sends_nothing(tmp_path: Path) -> None:
    async with site(UNUSUAL, reply(), send_via="fetch", job_store=tmp_path / "jobs.sqlite3") as client:
        runner = JobRunner(client.sender)

        async def submit(text: str) -> None:
            prompt = Prompt(text)
            await runner.submit(prompt, StandaloneSlot(prompt), keep_text=True)

        errors = await asyncio.gather(submit("one"), submit("two"), return_exceptions=True)
        assert all(isinstance(error, UnusualActivityError) for error in errors)
        assert len(client.messages) == 1
        assert [record.state for record in await runner.list_jobs()] == ["failed", "failed"]
        await runner.close()


class Client(AsyncSendManyMixin):
    """A client that can only send many messages."""

    def __init__(self, site: MemorySite) -> None:
        self._sender = site.sender


async def test_unusual_activity_ends_a_batch_that_pauses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(HOUR_LIMIT, IN_STREAM, reply(), job_store=tmp_path / "jobs.sqlite3") as client:

        async def receive() -> None:
            async for _ in Client(client).send_many(["one", "two"]):
                raise AssertionError("no message of the batch has a reply")

        with caplog.at_level(logging.INFO, "chatgpt_browser"):
            batch = asyncio.create_task(receive())
            while "paused for 1800 s" not in caplog.text:  # noqa: ASYNC110 - a log record sets no event
                await asyncio.sleep(0.01)
        client.sender.pace.forget_limits()
        client.sender.pace._uses_store = False
        with pytest.raises(UnusualActivityError, match="Suspicious activity"):
            await text_of(client.stream())
        with pytest.raises(UnusualActivityError, match="Suspicious activity"):
            await batch
        assert len(client.messages) == 2


async def test_suspicious_account_is_not_asked_again_through_the_page() -> None:
    suspicious = body(403, '{"detail": "Suspicious activity was detected in your account."}')
    async with site(suspicious, reply(), send_via="auto") as client:
        with pytest.raises(UnusualActivityError):
            await text_of(client.stream())
        assert len(client.messages) == 1


async def test_send_many_full_hour_waits_instead_of_failing(tmp_path: Path) -> None:
    store = tmp_path / "jobs.sqlite3"
    async with site(messages_per_hour=1, job_store=store) as client:
        await text_of(client.stream())
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("UPDATE sends SET sent_at = sent_at - 3599.5")
            connection.commit()
        results = [result async for result in Client(client).send_many(["one"], longest_pause=0)]
        assert [result.reply for result in results] == ["Hello"]


async def test_unusual_activity_stops_a_message_that_is_to_be_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = body(429, '{"detail": "Only one message at a time."}')
    async with site(busy, UNUSUAL, reply(), send_via="fetch", max_concurrent_messages=2) as client:
        other: list[BaseException] = []

        async def fail_meanwhile(*_: object) -> None:
            with pytest.raises(UnusualActivityError) as caught:
                await text_of(client.stream("other"))
            other.append(caught.value)

        monkeypatch.setattr(retry.RetryPolicy, "apply", fail_meanwhile)
        monkeypatch.setattr(retry, "_BACKOFF", lambda state: 0.0)
        with pytest.raises(UnusualActivityError, match="while it was waiting"):
            await text_of(client.stream("first"))
        assert len(other) == 1
        assert [message.prompt.text for message in client.messages] == ["first", "other"]


async def test_unusual_activity_stops_messages_of_another_process(tmp_path: Path) -> None:
    store = tmp_path / "jobs.sqlite3"
    async with site(UNUSUAL, job_store=store, send_via="fetch") as one, site(job_store=store) as other:
        one.sender.pace.use_store()
        other.sender.pace.use_store()
        waited_since = time.time() - 5
        with pytest.raises(UnusualActivityError):
            await text_of(one.stream())
        with pytest.raises(UnusualActivityError, match="while it was waiting"):
            await text_of(other.stream(queued_at=waited_since))
        assert other.messages == []
