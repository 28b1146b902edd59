"""Jobs: submit, wait, cancel, and jobs whose process has ended at any moment. Nothing is sent twice."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import chatgpt_browser
from chatgpt_browser import (
    AbortError,
    ChatGPTAPI,
    ChatGPTError,
    ChatGPTTimeoutError,
    Citation,
    JobNotFoundError,
    JobStoreError,
    JobUncertainError,
    RateLimitError,
    Reply,
    StreamInterruptedError,
)
from chatgpt_browser._client import job_run, job_runner
from chatgpt_browser._client.job_codec import decode_error, decode_reply, encode_error, encode_reply
from chatgpt_browser._core.suspend_clock import SuspendClock
from chatgpt_browser._messaging import answer_follower
from chatgpt_browser._protocol.file_refs import FileRef
from chatgpt_browser._store.job_store import JobStore
from chatgpt_browser.testing import Answer as Response
from chatgpt_browser.testing import FakeChatGPT, Gate
from chatgpt_browser.testing import Reply as Answer
from tests.support.scripted_site import base_urls, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Bench:
    """A server, two clients with one job store, and the path of the store. Each client acts as a process of its own."""

    server: FakeChatGPT
    api: ChatGPTAPI
    other: ChatGPTAPI
    path: Path

    @property
    def messages(self) -> list[str]:
        """The texts of the questions that the server has stored."""
        conversations = self.server.conversations.values()
        return [text for each in conversations for role, text in each.history() if role == "user"]


@pytest.fixture(scope="module", params=["fetch", "page"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    path = tmp_path_factory.mktemp("jobs") / "jobs.sqlite3"
    with FakeChatGPT(form="app" if request.param == "page" else "api") as server:
        options: dict[str, Any] = {"send_via": request.param, "job_store": path, **base_urls(server)}
        with (
            ChatGPTAPI(server.session_token, **options) as api,
            ChatGPTAPI(server.session_token, **options) as other,
        ):
            yield Bench(server, api, other, path)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often, and look for a lost message only twice."""
    monkeypatch.setattr(answer_follower, "_MAX_PAUSE", 0.05)
    monkeypatch.setattr(answer_follower, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(job_run, "_LOOKUP_PAUSES", (0.05,))
    monkeypatch.setattr(job_run, "_WATCH_INTERVAL", 0.05)
    monkeypatch.setattr(job_runner, "_INTERVAL", 0.05)


def lost_job(bench: Bench, state: str, text: str, **values: Any) -> str:
    """Store a job as a killed process leaves it, and return its id."""
    store = JobStore(bench.path)
    record = store.create(origin="https://chat.example", text=text)
    if state != "queued":
        store.change(record.id, state="sending", **values)
    if state == "running":
        store.change(record.id, state="running")
    store.close()
    return record.id


def test_submit_returns_when_accepted_and_wait_returns_reply(bench: Bench) -> None:
    gate = Gate()
    bench.server.script(Answer("one two three", hold_after=1, gate=gate))

    job = bench.api.submit("a question for submit")
    assert [job.state] == ["running"]
    assert job.conversation_id in bench.server.conversations
    assert job.question_id in bench.server.conversations[job.conversation_id or ""].messages
    with pytest.raises(ChatGPTTimeoutError) as caught:
        job.wait(timeout_ms=50)
    assert caught.value.limit == "timeout_ms"
    assert [job.state] == ["running"]
    gate.open()

    assert str(job.wait(timeout_ms=60_000)) == "one two three"
    assert job.state == "done"
    assert bench.messages.count("a question for submit") == 1
    again = bench.other.get_job(job.id)
    assert (again.state, again.created_at, str(again.wait())) == ("done", job.created_at, "one two three")
    assert job.id in [each.id for each in bench.other.list_jobs()]
    assert JobStore(bench.path).get(job.id).text is None


def test_wait_in_other_process_while_owner_reads_returns_same_reply(bench: Bench) -> None:
    gate = Gate()
    bench.server.script(Answer("one two three", hold_after=1, gate=gate))
    job = bench.api.submit("a question for two")
    replies: list[str] = []
    waiting = threading.Thread(target=lambda: replies.append(str(bench.other.get_job(job.id).wait(60_000))))
    waiting.start()
    gate.open()

    assert str(job.wait(60_000)) == "one two three"
    waiting.join(60)
    assert replies == ["one two three"]


def test_submit_broken_stream_reads_the_rest(bench: Bench) -> None:
    bench.server.script(Answer("one two three", break_after=2, continues=True))

    job = bench.api.submit("a question that breaks")
    assert str(job.wait(60_000)) == "one two three"
    assert bench.messages.count("a question that breaks") == 1


def test_wait_after_sleep_of_the_machine_reads_the_rest_from_the_conversation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the sleep, no more data arrives on the connection of the stream, and the connection stays open."""
    slept, gate = [0.0], Gate()
    monkeypatch.setattr(SuspendClock, "slept", lambda _: slept.pop() if slept else 0.0)
    bench.server.script(Answer("one two three", hold_after=1, gate=gate, continues=True))
    job = bench.api.submit("a question before a sleep")
    assert job.last_event == "the site has accepted the message"
    slept.append(7200.0)
    bench.server.wait_for_request(f"/conversation/{job.conversation_id}", timeout=60)
    gate.open()

    assert str(job.wait(60_000)) == "one two three"
    assert bench.messages.count("a question before a sleep") == 1
    assert (job.last_event, job.updated_at > job.created_at) == ("the reply is complete", True)


def test_submit_refused_message_raises_and_fails_the_job(bench: Bench) -> None:
    bench.server.script(Response(429, {"detail": "Too many requests in 1 hour. Try again later."}))

    with pytest.raises(RateLimitError):
        bench.api.submit("a refused question")
    job = bench.api.list_jobs()[0]
    assert job.state == "failed"
    assert isinstance(job.error, RateLimitError)
    assert job.error.scope == "hour"
    with pytest.raises(RateLimitError):
        bench.other.get_job(job.id).wait()


def test_cancel_running_job_stops_it_for_all_processes(bench: Bench) -> None:
    gate = Gate()
    bench.server.script(Answer("one two three", hold_after=1, gate=gate))
    job = bench.api.submit("a question to cancel")

    bench.other.get_job(job.id).cancel()
    with pytest.raises(AbortError):
        job.wait(60_000)
    assert job.state == "cancelled"
    gate.open()


def test_cancel_own_job_ends_its_reply(bench: Bench) -> None:
    gate = Gate()
    bench.server.script(Answer("one two three", hold_after=1, gate=gate))
    job = bench.api.submit("another question to cancel")
    job.cancel()
    assert job.state == "cancelled"
    gate.open()
    assert bench.api.send_message("the client still works")


# ---- processes that have ended -----------------------------------------------------------------------------------------------


def test_wait_lost_queued_job_fails_without_sending(bench: Bench) -> None:
    job = bench.api.get_job(lost_job(bench, "queued", "never sent"))

    with pytest.raises(ChatGPTError, match="was not sent"):
        job.wait(60_000)
    assert job.state == "failed"
    assert "never sent" not in bench.messages


@pytest.mark.parametrize("state", ["sending", "running"])
@pytest.mark.parametrize("is_new", [True, False])
def test_wait_lost_job_that_arrived_reads_its_answer(bench: Bench, state: str, *, is_new: bool) -> None:
    text = f"arrived {state} {is_new}"
    conversation = bench.server.add_conversation([("user", "before"), ("assistant", "first answer")])
    parent = conversation.current_node
    if is_new:
        conversation = bench.server.add_conversation([])
    question = conversation.add("user", text, conversation.current_node)
    answer = conversation.add("assistant", "half", question.id)
    answer.unsaid = [" and", " half"]
    by_id = bench.api._options.send_via == "fetch"
    values = {"question_id": question.id} if by_id or state == "running" else {}
    if not is_new or state == "running":
        values |= {"conversation_id": conversation.id}
    job = bench.api.get_job(
        lost_job(bench, state, text, parent_message_id=None if is_new else parent, **values)
    )

    assert str(job.wait(60_000)) == "half and half"
    assert (job.state, job.conversation_id, job.question_id) == ("done", conversation.id, question.id)
    assert bench.messages.count(text) == 1


@pytest.mark.parametrize("is_new", [True, False])
def test_wait_lost_job_that_did_not_arrive_is_uncertain(bench: Bench, *, is_new: bool) -> None:
    conversation = bench.server.add_conversation([("user", "lost"), ("assistant", "an older answer")])
    values = (
        {} if is_new else {"conversation_id": conversation.id, "parent_message_id": conversation.current_node}
    )
    if is_new:
        conversation.messages[next(iter(conversation.messages))].create_time -= 7200
        for message in conversation.messages.values():
            message.create_time -= 7200
    if bench.api._options.send_via == "fetch":
        values |= {"question_id": "no-such-id"}
    before = len(posts_of(bench.server.requests))
    job = bench.api.get_job(lost_job(bench, "sending", "lost", **values))

    with pytest.raises(JobUncertainError, match="not sent again") as caught:
        job.wait(60_000)
    assert (job.state, caught.value.job_id) == ("uncertain", job.id)
    assert isinstance(job.error, JobUncertainError)
    assert len(posts_of(bench.server.requests)) == before


def test_wait_lost_job_whose_answer_stopped_fails(bench: Bench) -> None:
    conversation = bench.server.add_conversation([])
    question = conversation.add("user", "stopped", conversation.current_node)
    conversation.add("assistant", "half", question.id).progress = "interrupted"
    values = {"conversation_id": conversation.id, "question_id": question.id}
    job = bench.api.get_job(lost_job(bench, "running", "stopped", **values))

    with pytest.raises(StreamInterruptedError) as caught:
        job.wait(60_000)
    assert caught.value.conversation_id == conversation.id
    assert job.state == "failed"


def test_close_during_reply_leaves_job_for_another_process(bench: Bench, connect: Any) -> None:
    gate = Gate()
    bench.server.script(Answer("one two three", hold_after=1, gate=gate, continues=True))
    api = connect(bench.server, send_via=bench.api._options.send_via, job_store=bench.path)
    job = api.submit("a question of a closed client")
    api.close()
    gate.open()

    assert str(bench.other.get_job(job.id).wait(60_000)) == "one two three"
    assert bench.messages.count("a question of a closed client") == 1


# ---- conversations, store, codec ---------------------------------------------------------------------------------------------


def test_submit_on_conversation_continues_it(bench: Bench) -> None:
    conversation = bench.api.get_conversation()
    conversation.submit("first of two jobs").wait(60_000)
    job = conversation.submit("second of two jobs", keep_text=True)
    job.wait(60_000)

    assert job.conversation_id == conversation.conversation_id
    history = bench.server.conversations[job.conversation_id or ""].history()
    assert [text for role, text in history if role == "user"] == ["first of two jobs", "second of two jobs"]


def test_submit_store_that_cannot_be_written_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        FakeChatGPT() as server,
        ChatGPTAPI(server.session_token, job_store=tmp_path / "file" / "jobs", **base_urls(server)) as api,
    ):
        with pytest.raises(JobStoreError, match="cannot be used"):
            api.submit("not stored")
        assert server.requests == []


def test_get_job_unknown_id_raises(bench: Bench) -> None:
    with pytest.raises(JobNotFoundError, match="nosuchjob"):
        bench.api.get_job("nosuchjob")


def test_job_store_default_is_in_the_data_folder() -> None:
    assert str(JobStore().path) == os.path.join(os.environ["CHATGPT_DATA_DIR"], "jobs.sqlite3")


def test_codec_reply_and_error_survive_json() -> None:
    reply: Reply[FileRef] = Reply(
        "text",
        "c",
        "m",
        citations=(Citation("t", "u", None, 0, 2),),
        files=(FileRef("image", "f", "n"),),
        raw={"id": "m"},
    )
    assert decode_reply(encode_reply(reply)) == reply
    assert type(decode_error({"type": "Unknown", "message": "x", "new": 1})) is ChatGPTError


@pytest.mark.parametrize("name", [name for name in chatgpt_browser.__all__ if name.endswith("Error")])
def test_codec_error_keeps_each_attribute_except_private_text(name: str) -> None:
    error: ChatGPTError = getattr(chatgpt_browser, name)("What failed.")
    kept = vars(error).keys() - {"body", "elements"} | {"partial_text"}
    for number, attribute in enumerate(sorted(kept)):
        setattr(error, attribute, f"value {number}")
    vars(error).update(dict.fromkeys(vars(error).keys() & {"body", "elements"}, "private"))
    data = encode_error(error)
    found = decode_error(data)

    assert "private" not in data.values()
    assert (type(found), str(found)) == (type(error), "What failed.")
    assert {attribute: getattr(found, attribute) for attribute in kept} == {
        attribute: getattr(error, attribute) for attribute in kept
    }
