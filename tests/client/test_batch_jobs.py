"""``send_many`` with the job store: a batch that was killed continues, and no message is sent twice."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    BatchMessage,
    BatchResult,
    ChatGPTError,
    JobStoreError,
    JobUncertainError,
    RateLimitError,
)
from chatgpt_browser._client import job_run, job_runner
from chatgpt_browser._client.batch_jobs import BatchJobs, key_of
from chatgpt_browser._client.job_codec import encode_error
from chatgpt_browser._core.models import BatchSettings
from chatgpt_browser._messaging import answer_follower, question_lookup
from chatgpt_browser._store.job_store import JobStore
from chatgpt_browser.testing import Answer, Break, Gate, Reply

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser._store.job_record import JobRecord
    from tests.support.scripted_site import ScriptedSite


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often, and look for a lost message only twice."""
    monkeypatch.setattr(answer_follower, "_MAX_PAUSE", 0.05)
    monkeypatch.setattr(answer_follower, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(job_run, "_LOOKUP_PAUSES", (0.05,))
    monkeypatch.setattr(job_runner, "_INTERVAL", 0.05)


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> Any:
    """Return a function that sends messages as the batch of this test, and returns their results."""
    api = request.getfixturevalue("api")

    def run(messages: list[str | BatchMessage], **options: Any) -> list[BatchResult]:
        return list(api.send_many(messages, batch_id=request.node.name, **options))

    run.store = JobStore()  # type: ignore[attr-defined]
    run.batch_id = request.node.name  # type: ignore[attr-defined]
    return run


def leave_job(batch: Any, text: str, state: str, **values: Any) -> str:
    """Store a job as a killed process leaves it, and return its id."""
    store = JobStore(batch.store.path)
    record = store.create(origin="https://chat.example", text=text, batch=batch.batch_id, batch_key="in:")
    if state != "queued":
        store.change(record.id, state="sending", **values)
    if state not in ("queued", "sending"):
        store.change(record.id, state=state, **values)
    store.close()
    return record.id


def outcomes(results: list[BatchResult]) -> list[str | type[Exception]]:
    return [result.reply if result.error is None else type(result.error) for result in results]  # type: ignore[misc]


def texts_of(site: ScriptedSite) -> list[str]:
    return [post.json["messages"][0]["content"]["parts"][0] for post in site.posts]


# ---- a batch that was killed -------------------------------------------------------------------------------------------


def test_send_many_again_with_batch_id_sends_no_message_twice(
    batch: Any, scripted_site: ScriptedSite
) -> None:
    """The killed process has left a job in each state. Its messages arrived, did not arrive, or were not sent."""
    conversation = scripted_site.server.add_conversation([])
    question = conversation.add("user", "arrived", conversation.current_node)
    conversation.add("assistant", "half", question.id).unsaid = [" and half"]
    leave_job(
        batch, "answered", "done", reply={"text": "stored reply", "conversation_id": "c", "message_id": "m"}
    )
    leave_job(batch, "arrived", "sending", question_id=question.id)
    leave_job(batch, "lost", "sending", question_id="no-such-id")
    leave_job(batch, "refused", "failed", error=encode_error(RateLimitError("Too many requests.")))
    leave_job(batch, "waiting", "queued")
    messages: list[str | BatchMessage] = ["answered", "arrived", "lost", "refused", "waiting", "new"]

    expected = ["stored reply", "half and half", JobUncertainError, RateLimitError]
    results = batch(messages)
    assert outcomes(results) == [*expected, 'You said: "waiting".', 'You said: "new".']
    assert texts_of(scripted_site) == ["waiting", "new"]
    assert (results[0].conversation_id, results[0].message_id) == ("c", "m")

    assert outcomes(batch(messages)) == outcomes(results)
    assert texts_of(scripted_site) == ["waiting", "new"]

    again = batch(messages, retry_failed=True, retry_uncertain=True)
    assert outcomes(again)[2:4] == ['You said: "lost".', 'You said: "refused".']
    assert texts_of(scripted_site) == ["waiting", "new", "lost", "refused"]
    assert {job.state for job in batch.store.of_batch(batch.batch_id)} == {"done"}
    assert len(batch.store.of_batch(batch.batch_id)) == len(messages)


def test_send_many_uncertain_message_that_is_found_later_is_not_sent(
    batch: Any, scripted_site: ScriptedSite
) -> None:
    conversation = scripted_site.server.add_conversation([])
    question = conversation.add("user", "late", conversation.current_node)
    conversation.add("assistant", "a late answer", question.id)
    leave_job(
        batch, "late", "uncertain", question_id=question.id, error=encode_error(JobUncertainError("unknown"))
    )

    assert outcomes(batch(["late"])) == [JobUncertainError]
    assert outcomes(batch(["late"], retry_uncertain=True)) == ["a late answer"]
    assert texts_of(scripted_site) == []


def test_send_many_conversation_continues_after_stored_reply(batch: Any, scripted_site: ScriptedSite) -> None:
    messages = [
        BatchMessage(text, conversation="cats") for text in ("My cat is called Ada.", "And who am I?")
    ]
    first = batch(messages[:1])
    second = batch(messages)
    assert second[0].reply == first[0].reply
    assert second[1].conversation_id == first[0].conversation_id
    assert texts_of(scripted_site) == [message.text for message in messages]


# ---- ends of a batch ---------------------------------------------------------------------------------------------------


def test_send_many_message_that_ended_the_batch_is_sent_by_the_next_run(
    batch: Any, scripted_site: ScriptedSite
) -> None:
    limit = Answer(429, {"detail": "Too many requests in 1 hour. Try again later."})
    text = scripted_site.answering(limit, "at last")
    with pytest.raises(RateLimitError):
        batch([text], longest_pause=0)
    assert batch.store.of_batch(batch.batch_id) == []
    assert outcomes(batch([text])) == ["at last"]


def test_send_many_rate_limit_while_looking_does_not_send_again(
    batch: Any, scripted_site: ScriptedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the message, and the site refuses to show its conversations at first."""
    text, limits = scripted_site.answering(Break()), [RateLimitError("slow", retry_after=0.05)]
    look_up = question_lookup.look_up_question

    async def limited(*arguments: Any) -> Any:
        if limits:
            raise limits.pop()
        return await look_up(*arguments)

    monkeypatch.setattr(job_run, "look_up_question", limited)
    assert outcomes(batch([text])) == [JobUncertainError]
    assert texts_of(scripted_site) == [text]


def test_send_many_job_cancelled_elsewhere_fails_and_batch_continues(
    batch: Any, scripted_site: ScriptedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_run, "_WATCH_INTERVAL", 0.05)
    text = scripted_site.answering(Reply("one two", hold_after=1, gate=Gate()))

    def cancel() -> None:
        scripted_site.wait_for_post()
        for job in batch.store.of_batch(batch.batch_id):
            batch.store.change(job.id, state="cancelled")

    cancelling = threading.Thread(target=cancel)
    cancelling.start()
    results = batch([text, "next"])
    cancelling.join()
    assert outcomes(results) == [ChatGPTError, 'You said: "next".']
    assert "was cancelled" in str(results[0].error)
    assert outcomes(batch([text, "next"])) == outcomes(results)


def test_send_many_timeout_fails_the_message_and_its_job(batch: Any, scripted_site: ScriptedSite) -> None:
    text = scripted_site.answering(Reply("one two", hold_after=1, gate=Gate()))
    (result,) = batch([text], timeout_ms=500)
    assert getattr(result.error, "limit", "") == "timeout_ms"
    assert [job.state for job in batch.store.of_batch(batch.batch_id)] == ["failed"]


def test_send_many_store_that_cannot_be_written_sends_nothing(
    api: ChatGPTAPI, scripted_site: ScriptedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(*_: Any, **values: Any) -> Any:
        raise JobStoreError("The disk is full.")

    monkeypatch.setattr(JobStore, "create", create)
    with pytest.raises(JobStoreError):
        list(api.send_many(["a", "b"]))
    assert texts_of(scripted_site) == []


def test_send_many_without_batch_id_keeps_only_what_was_not_handled(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    results = api.send_many(["first", "second", "third"])
    first, second = next(results), next(results)
    jobs = {job.id: str(job.wait()) for job in api.list_jobs() if job.id in (first.job_id, second.job_id)}
    assert jobs == {second.job_id: 'You said: "second".'}
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("option", [{"batch_id": ""}, {"retry_failed": True}, {"retry_uncertain": True}])
def test_send_many_invalid_batch_option_raises_at_the_call(option: dict[str, Any], api: ChatGPTAPI) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        api.send_many(["Hello"], **option)


# ---- which job belongs to which message --------------------------------------------------------------------------------


class StoredJobs:
    """Takes the place of the job runner: only the store is used."""

    def __init__(self, store: JobStore) -> None:
        self.store = store


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([BatchMessage("same", id="2"), BatchMessage("same", id="1")], ["2", "1"]),
        ([BatchMessage("same", id="8"), BatchMessage("same", id="9")], ["1", "2"]),  # a line was inserted
        ([BatchMessage("same ", id="1"), BatchMessage("edited", id="2")], ["1", None]),
        ([BatchMessage("same", id="1")] * 2 + [BatchMessage("same", id="3")], ["1", "2", None]),
        ([BatchMessage("go on", conversation="b"), BatchMessage("go on", conversation="a")], ["b", "a"]),
        ([BatchMessage("go on"), BatchMessage("go on", conversation="c")], [None, None]),
    ],
)
def test_take_earlier_message_gets_the_job_with_its_text_and_key(
    messages: list[BatchMessage], expected: list[str | None], tmp_path: Path
) -> None:
    store = JobStore(tmp_path / "jobs.sqlite3")
    earlier = [BatchMessage("same", id="1"), BatchMessage("same", id="2")]
    earlier += [BatchMessage("go on", conversation=name) for name in "ab"]
    for message in earlier:
        store.create(origin="o", text=message.text, batch="b", batch_key=key_of(message))
    jobs: Any = functools.partial(BatchJobs, StoredJobs(store))  # type: ignore[arg-type]

    async def take() -> list[JobRecord | None]:
        batch = jobs(lambda: None, BatchSettings("b"))
        return [await batch._take_earlier(message) for message in messages]

    found = asyncio.run(take())
    assert [job and (job.batch_key or "").partition(":")[2] for job in found] == expected
    store.close()
