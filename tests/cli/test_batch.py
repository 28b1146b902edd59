"""`chatgpt-browser batch`: its input and output files, resuming, and that an interruption loses or repeats no reply."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import filelock
import pytest
import typer

from chatgpt_browser import (
    APIStatusError,
    BatchMessage,
    BatchResult,
    RateLimitError,
    StreamInterruptedError,
)
from chatgpt_browser._messaging import answer_follower
from chatgpt_browser._store.job_store import JobStore
from chatgpt_browser.cli.batch.command import print_summary
from chatgpt_browser.cli.batch.output_lock import OutputLock
from chatgpt_browser.cli.batch.progress import ProgressCounts, ProgressDisplay
from chatgpt_browser.cli.batch.prompt_file import Prompts, read_prompts
from chatgpt_browser.cli.batch.result_file import Outcome, ResultFile, as_row
from chatgpt_browser.cli.batch.resume_plan import plan
from chatgpt_browser.testing import Answer, Gate, Reply, Turn, remember

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT
    from chatgpt_browser.testing.data.conversations import Conversation
    from tests.support.cli_fixtures import Account, Invoke, StartCommand


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def posts_of(server: FakeChatGPT) -> list[str]:
    messages = [r for r in server.requests if r.method == "POST" and r.path.endswith("/conversation")]
    return [post.json["messages"][0]["content"]["parts"][0] for post in messages]


# ---- the prompt file -------------------------------------------------------------------------------------------------


def prompts(tmp_path: Path, text: str | bytes, name: str = "prompts.txt") -> list[BatchMessage]:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_prompts(path).messages


def test_read_prompts_text_lines_become_messages(tmp_path: Path) -> None:
    assert prompts(tmp_path, "\ufeffWhy?\r\n\n  \nGrüße \u2028 {}\n") == [
        BatchMessage("Why?", id="1"),
        BatchMessage("Grüße \u2028 {}", id="4"),
    ]


def test_read_prompts_json_lines_become_messages(tmp_path: Path) -> None:
    text = (
        '{"prompt": "Why?", "id": 7, "note": "mine"}\n\n{"prompt": "And?", "conversation": "c", "model": "m"}'
    )
    expected = [
        BatchMessage("Why?", id="7"),
        BatchMessage("And?", id="3", conversation="c", model="m"),
    ]
    assert prompts(tmp_path, text) == expected
    assert prompts(tmp_path, text, "prompts.JSONL") == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Why?", "line 1 is not valid JSON"),
        ('{"prompt": "Why?"}\n["a"]', "line 2 has no `prompt`"),
        ('{"prompt": " "}', "line 1 has no `prompt`"),
        ('{"prompt": "Why?", "id": true}', "line 1: `id` must be a string or a number"),
        ('{"prompt": "Why?", "model": 4}', "line 1: `model` must be a string"),
        ('{"prompt": "a", "id": 2}\n{"prompt": "b"}', "lines 1 and 2 have the same id: 2"),
        (b"caf\xe9", "not UTF-8"),
    ],
)
def test_read_prompts_invalid_line_is_rejected(text: str | bytes, error: str, tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match=error):
        prompts(tmp_path, text, "prompts.jsonl")


def test_read_prompts_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="No such file"):
        read_prompts(tmp_path / "nothing")


# ---- the result file -------------------------------------------------------------------------------------------------

RESULTS = [
    BatchResult(0, BatchMessage("a\u2028", id="1"), "Grüße \U0001f600\n", None, "c-1", "m-1", 1.5),
    BatchResult(1, BatchMessage("b", id="2", conversation="x"), "half a pair: \ud83d", None, "c-2", "m-2"),
    BatchResult(2, BatchMessage("c", id="3"), error=StreamInterruptedError("broke", partial_text="so f")),
    BatchResult(3, BatchMessage("d", id="4", model="m"), error=APIStatusError("down", status_code=500)),
]


def test_as_row_contains_reply_or_error() -> None:
    assert as_row(RESULTS[1]) == {
        "id": "2",
        "prompt": "b",
        "conversation": "x",
        "reply": "half a pair: \ud83d",
        "conversation_id": "c-2",
        "message_id": "m-2",
        "seconds": 0.0,
    }
    assert as_row(RESULTS[2])["error"] == {
        "type": "StreamInterruptedError",
        "message": "broke",
        "partial_text": "so f",
    }
    assert as_row(RESULTS[3])["error"]["status_code"] == 500


def test_result_file_truncated_anywhere_is_repaired(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    with ResultFile(whole) as results:
        for result in RESULTS:
            results.write(result)
    data = whole.read_bytes()
    lines = data.splitlines(keepends=True)

    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        with ResultFile(path) as results:
            # A row is complete even without its line feed.
            complete = data[: length + 1].count(b"\n")
            assert list(results.outcomes) == ["1", "2", "3", "4"][:complete]
            assert results.was_cut is (length > len(b"".join(lines[:complete])))
            assert results.failed == max(0, complete - 2)
            if length % 9 and length < len(data) - 9:
                continue  # writing syncs to disk, which is too slow for each length
            for result in RESULTS[complete:]:
                results.write(result)
        assert path.read_bytes() == data


def test_result_file_drop_failures_keeps_replies(tmp_path: Path) -> None:
    path, other = tmp_path / "replies.jsonl", tmp_path / "replies.jsonl.tmp"
    other.write_bytes(b"of another program")
    with ResultFile(path) as results:
        for result in RESULTS:
            results.write(result)
        results.drop_failures()
        assert list(results.outcomes) == ["1", "2"]
        results.write(RESULTS[3])
    assert [row["id"] for row in rows_of(path)] == ["1", "2", "4"]
    assert sorted(tmp_path.iterdir()) == [path, other]
    assert other.read_bytes() == b"of another program"


@pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and modes of POSIX")
@pytest.mark.timeout(60)
def test_result_file_that_is_a_folder_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="Is a directory"):
        ResultFile(type(tmp_path)("."))


def test_result_file_follows_no_link_and_opens_no_fifo(tmp_path: Path) -> None:
    path, victim = tmp_path / "replies.jsonl", tmp_path / "victim"
    victim.write_bytes(b"")
    names = [path, tmp_path / "replies.jsonl.lock"]
    with ResultFile(path):
        assert [name.stat().st_mode & 0o777 for name in tmp_path.glob("replies.jsonl*")] == [0o600] * 2
    for name in names:
        for plant in (lambda name: name.symlink_to(victim), os.mkfifo, os.mkdir):
            path.unlink(missing_ok=True)
            plant(name)
            with pytest.raises(typer.BadParameter):
                ResultFile(path)
            name.rmdir() if name.is_dir() and not name.is_symlink() else name.unlink()
    assert victim.read_bytes() == b""


@pytest.mark.parametrize("line", ["Hello", "[]", '{"id": "1", "prompt": "a"}', '{"id": 1, "reply": "a"}'])
def test_result_file_with_other_content_is_rejected(line: str, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text(f"{line}\n")
    with pytest.raises(typer.BadParameter, match="line 1 is not a batch result"):
        ResultFile(path)
    assert path.read_text() == f"{line}\n"


@pytest.mark.parametrize("renewed", [False, True])
def test_result_file_opened_twice_is_rejected(renewed: bool, tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    with ResultFile(path) as results:
        if renewed:
            results.drop_failures()
        with pytest.raises(typer.BadParameter, match="another batch"):
            ResultFile(path)
    with ResultFile(path):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_output_lock_started_from_many_threads_is_held_once(tmp_path: Path) -> None:
    """Locks are created and released at the same time: two are never held together, and no file remains."""
    held, most, refused, guard = 0, 0, 0, threading.Lock()

    def run() -> None:
        nonlocal held, most, refused
        for _ in range(100):
            try:
                lock = OutputLock(tmp_path / "replies.jsonl")
            except filelock.Timeout:
                refused += 1
                continue
            with guard:
                held += 1
                most = max(most, held)
            with guard:
                held -= 1
            lock.release()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 1
    assert list(tmp_path.iterdir()) == []


# ---- the resume plan -------------------------------------------------------------------------------------------------


def message(name: str, conversation: str | None = None) -> BatchMessage:
    return BatchMessage(f"prompt {name}", id=name, conversation=conversation)


def replied(name: str) -> Outcome:
    return Outcome(f"prompt {name}", True, f"c-{name}", f"m-{name}")


def failed(name: str) -> Outcome:
    return Outcome(f"prompt {name}", False, None, None)


def test_plan_message_with_outcome_is_not_sent() -> None:
    messages = [message("1"), message("2"), message("3")]
    assert plan(messages, {"1": replied("1"), "2": failed("2")}) == ([messages[2]], [])


def test_plan_conversation_continues_at_last_reply() -> None:
    messages = [message(name, "x") for name in "1234"] + [message("5", "y")]
    todo, blocked = plan(messages, {"1": replied("1"), "2": replied("2")})
    assert [(m.id, m.conversation_id, m.parent_message_id) for m in todo] == [
        ("3", "c-2", "m-2"),
        ("4", None, None),  # follows message 3 without an explicit position
        ("5", None, None),
    ]
    assert blocked == []


def test_plan_message_after_failure_is_blocked() -> None:
    messages = [message(name, "x") for name in "1234"] + [message("5", "y")]
    todo, blocked = plan(messages, {"1": replied("1"), "2": failed("2"), "3": failed("3")})
    assert [m.id for m in todo] == ["5"]
    assert blocked == [(3, messages[3])]


def test_plan_different_prompt_with_same_id_is_rejected() -> None:
    with pytest.raises(typer.BadParameter, match="a result for id 1 with a different prompt"):
        plan([message("1")], {"1": replied("2")})


# ---- progress --------------------------------------------------------------------------------------------------------


def test_progress_counts_line_shows_rate_and_time_left() -> None:
    counts = ProgressCounts(total=100, done=10, failed=0)
    assert counts.line(0) == "10 of 100"
    for number in range(30):
        counts.count(failed=number == 0)
    assert counts.line(600) == "40 of 100, 1 failed, 3.0 a minute, 0:20:00 left"


def test_progress_display_without_terminal_prints_a_line_every_30_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [0.0]
    with ProgressDisplay(ProgressCounts(3, 0, 0), clock=lambda: now[0]) as display:
        for now[0] in (1.0, 31.0, 32.0):
            display.count(failed=False)
    assert capsys.readouterr().err.splitlines() == [
        "2 of 3, 3.9 a minute, 0:00:16 left",
        "3 of 3, 5.6 a minute, 0:00:00 left",
    ]


# ---- the command -----------------------------------------------------------------------------------------------------


def test_batch_repeated_run_sends_only_what_failed(
    invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path
) -> None:
    """The first run has a rate limit and a failure; the second sends nothing, the third only the failed prompt."""
    source, output = tmp_path / "prompts.jsonl", tmp_path / "replies.jsonl"
    source.write_text(
        '{"prompt": "My cat is called Ada.", "conversation": "cats"}\n'
        '{"prompt": "Break off.", "id": "breaks"}\n'
        '{"prompt": "What is my cat called?", "conversation": "cats"}\n'
    )
    limit = Answer.error(429, "Too many requests in 1 hour.", headers=[("retry-after", "0.2")])
    signed_in.script(remember, limit, Reply("one two", break_after=1))

    result = invoke("batch", str(source), "-o", str(output))
    assert result.exit_code == 13
    assert "paused for 0 s" in result.stderr
    assert "as the site asks" in result.stderr
    assert "3 of 3, 1 failed" in result.stderr
    assert "--retry-failed" in result.stderr
    assert result.stdout == ""
    assert posts_of(signed_in).count("Break off.") == 2  # refused, then sent
    rows = rows_of(output)
    assert [(row["id"], "reply" in row) for row in rows] == [("1", True), ("breaks", False), ("3", True)]
    assert rows[2]["reply"].endswith('Before that you said: "My cat is called Ada.".')

    sent = len(posts_of(signed_in))
    result = invoke("batch", str(source), "-o", str(output))
    assert result.exit_code == 13
    assert len(posts_of(signed_in)) == sent

    result = invoke("batch", str(source), "-o", str(output), "--retry-failed")
    assert result.exit_code == 0
    assert "3 of 3 have a reply" in result.stderr
    assert posts_of(signed_in)[sent:] == ["Break off."]
    assert [row["id"] for row in rows_of(output)] == ["1", "3", "breaks"]


class FailingClient:
    """A client whose messages all fail."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def __enter__(self) -> FailingClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send_many(self, messages: list[BatchMessage], **options: Any) -> Any:
        for index, each in enumerate(messages):
            error = APIStatusError(f"down {index}", status_code=503)
            yield BatchResult(index, each, error=error)
        raise RateLimitError("rate limited")


@pytest.fixture
def failing_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys.modules["chatgpt_browser.cli.batch.command"], "client_from_environment", FailingClient
    )


@pytest.mark.usefixtures("failing_client")
def test_batch_consecutive_failures_stop_it(invoke: Invoke, tmp_path: Path) -> None:
    output = tmp_path / "replies.jsonl"
    source = tmp_path / "prompts.txt"
    source.write_text("a\nb\nc\nd\n")
    result = invoke("batch", str(source), "-o", str(output), "--give-up-after", "3")
    assert result.exit_code == 10
    assert "stopping after 3 failures in a row" in result.stderr
    assert "down 2" in result.stderr
    assert len(rows_of(output)) == 3

    result = invoke("batch", str(source), "-o", str(output), "--give-up-after", "3")
    assert result.exit_code == 6
    assert len(rows_of(output)) == 4


@pytest.mark.parametrize("arguments", [["batch"], ["batch", "nothing", "-o", "x"], ["batch", "nothing"]])
def test_batch_invalid_usage_exits_2(arguments: list[str], invoke: Invoke, tmp_path: Path) -> None:
    assert invoke(*[str(tmp_path / "x") if each == "x" else each for each in arguments]).exit_code == 2
    assert not (tmp_path / "x").exists()


# ---- interruptions ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_batch_killed_at_random_loses_and_repeats_no_reply(
    signed_in: FakeChatGPT, start_command: StartCommand, tmp_path: Path
) -> None:
    chance, count = random.Random(7), 8
    texts = [f"prompt {number}" for number in range(count)]
    output, sent_before, rows_before = tmp_path / "replies.jsonl", 0, list[dict[str, Any]]()

    # The fifth reply of a run waits for the signal, so that the signal is never late.
    last = Gate()

    def reply(turn: Turn) -> Reply:
        if len(posts_of(signed_in)) > sent_before + 4:
            return Reply(remember(turn), interval=10, hold_after=1, gate=last)
        return Reply(remember(turn), interval=10)

    signed_in.script(*[reply] * 3 * count)

    for end in (signal.SIGKILL, signal.SIGINT, None):
        with start_command("batch", "-", "-o", str(output)) as process:
            assert process.stdin and process.stderr
            process.stdin.write("\n".join(texts))
            process.stdin.close()
            if end is not None:
                signed_in.wait_for_request(
                    "/conversation", "POST", sent_before + chance.randint(1, 3), timeout=60
                )
                time.sleep(chance.uniform(0, 0.1))  # during the message, its row, or the next message
                process.send_signal(end)
            else:
                last.open()
            code = process.wait(120)
            # The last run cannot always find the message of a killed run (16). After Ctrl-C, the answer stops (13).
            codes = {signal.SIGKILL: (-9,), signal.SIGINT: (130,), None: (0, 13, 16)}[end]
            assert code in codes, process.stderr.read()

        sent = posts_of(signed_in)
        known = {row["prompt"] for row in rows_before}
        assert not known & {*sent[sent_before:]}, "a prompt with a reply was sent again"
        with ResultFile(output):  # repairs an incomplete last row
            pass
        rows = rows_of(output)
        assert rows[: len(rows_before)] == rows_before
        assert len({*sent}) - len(rows) <= 1, "more than the message in flight was lost"
        sent_before, rows_before = len(sent), rows

    assert sorted(row["prompt"] for row in rows_before) == sorted(texts)
    replied = [row for row in rows_before if "reply" in row]
    assert all(row["reply"] == f'You said: "{row["prompt"]}".' for row in replied)
    assert len(replied) >= count - 2
    assert max(Counter(posts_of(signed_in)).values()) == 1
    uncertain = [row["job_id"] for row in rows_before if row.get("state") == "uncertain"]
    assert sorted(job.id for job in JobStore().list_jobs()) == sorted(uncertain)


# ---- messages that a killed run may have sent ------------------------------------------------------------------------


@pytest.fixture
def output(
    account: Account, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Let `batch` use the shared client; yield the output of a run that is yet to be made."""
    monkeypatch.setattr(answer_follower, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(account.api._core, "_job_runner", None)  # The client uses the store of this test.

    @contextmanager
    def client(**_: Any) -> Iterator[ChatGPTAPI]:
        yield account.api

    monkeypatch.setattr(sys.modules["chatgpt_browser.cli.batch.command"], "client_from_environment", client)
    for summary in account.api.iter_conversations():
        account.api.delete_conversation(summary.id)
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "Why is the sky blue?", "id": "sky"}\n')
    yield tmp_path / "replies.jsonl"
    account.api._core._jobs.store.close()


def leave_job(output: Path, text: str = "Why is the sky blue?", **fields: Any) -> str:
    """Leave the job of a run that was killed while it sent the prompt. Return the id of the job."""
    store = JobStore()
    record = store.create(
        origin="https://chat.example", text=text, batch=f"file:{output.resolve()}", batch_key="id:sky"
    )
    store.change(record.id, state="sending", sending_at=time.time() - 3600, **fields)
    store.close()
    return record.id


def leave_old_journal(output: Path, **fields: Any) -> None:
    """Leave the journal of a version without job store, whose run was killed while it sent the prompt."""
    line = {
        "state": "sending",
        "id": "sky",
        "prompt": "Why is the sky blue?",
        "at": time.time() - 3600,
        **fields,
    }
    output.with_name(f"{output.name}.sending").write_text(f'{json.dumps(line)}\n{{"state": "send')


def run_batch(invoke: Invoke, output: Path, *options: str) -> Result:
    return invoke("batch", str(output.with_name("prompts.jsonl")), "-o", str(output), *options)


def add_answered(account: Account, *, before: tuple[tuple[str, str], ...] = ()) -> Conversation:
    """Add a conversation in which the prompt was answered."""
    cited = "Rayleigh scattering.\ue200cite\ue202turn0search0\ue201"
    turns = [*before, ("user", "Why is the sky blue?"), ("assistant", cited)]
    return account.server.add_conversation(turns)


@pytest.mark.parametrize("known", ["message id", "conversation", "nothing", "old journal"])
def test_batch_message_of_killed_run_that_arrived_is_not_sent_again(
    known: str, invoke: Invoke, account: Account, output: Path
) -> None:
    """The site still writes the answer when the next run begins."""
    conversation = add_answered(account, before=(("user", "Hi"), ("assistant", "Hello")))
    question, answer = conversation.chain()[-2:]
    answer.unsaid = [" The rest."]
    position = {"conversation_id": conversation.id, "parent_message_id": question.parent}
    if known == "old journal":
        leave_old_journal(output, message_id=question.id)
    else:
        ids: dict[str, Any] = {"message id": {"question_id": question.id}, "conversation": position}
        leave_job(output, **ids.get(known, {}))
    assert run_batch(invoke, output).exit_code == 0
    [row] = rows_of(output)
    assert row["reply"] == "Rayleigh scattering. The rest."
    assert (row["conversation_id"], row["message_id"]) == (conversation.id, conversation.current_node)
    assert account.posts == []
    assert JobStore().list_jobs() == []
    names = {each.name for each in output.parent.iterdir()} - {"chatgpt-data"}
    assert names == {"prompts.jsonl", "replies.jsonl"}
    account.api.delete_conversation(conversation.id)


@pytest.mark.parametrize("known", ["message id", "conversation", "nothing"])
def test_batch_message_that_is_not_found_is_named_and_sent_only_on_request(
    known: str, invoke: Invoke, account: Account, output: Path
) -> None:
    conversation = account.server.add_conversation([("user", "Hi"), ("assistant", "Hello")])
    position = {"conversation_id": conversation.id, "parent_message_id": conversation.current_node}
    ids: dict[str, dict[str, Any]] = {
        "message id": {"question_id": "no-such-id"},
        "conversation": position,
        "nothing": {},
    }
    job_id = leave_job(output, **ids[known])

    for options in ((), (), ("--retry-failed",)):
        result = run_batch(invoke, output, *options)
        assert result.exit_code == 16
        assert "1 uncertain: it is unknown whether" in result.stderr
        assert "line 1: Why is the sky blue?" in result.stderr
        assert "--retry-uncertain" in result.stderr
        [row] = rows_of(output)
        assert (row["state"], row["job_id"], row["error"]["type"]) == (
            "uncertain",
            job_id,
            "JobUncertainError",
        )
        assert "reply" not in row
    assert account.posts == []

    assert run_batch(invoke, output, "--retry-uncertain").exit_code == 0
    assert len(account.posts) == 1
    [row] = rows_of(output)
    assert "reply" in row and "state" not in row
    assert JobStore().list_jobs() == []


def test_batch_uncertain_message_that_is_found_later_is_not_sent(
    invoke: Invoke, account: Account, output: Path
) -> None:
    leave_job(output, question_id="late-id")
    assert run_batch(invoke, output).exit_code == 16
    conversation = add_answered(account)
    question = conversation.chain()[-2]
    conversation.messages["late-id"] = conversation.messages.pop(question.id)
    question.id = conversation.chain()[-1].parent = "late-id"
    assert run_batch(invoke, output, "--retry-uncertain").exit_code == 0
    assert rows_of(output)[0]["reply"] == "Rayleigh scattering."
    assert account.posts == []
    account.api.delete_conversation(conversation.id)


def test_batch_prompt_that_was_removed_is_noted_and_its_job_stays(
    invoke: Invoke, account: Account, output: Path
) -> None:
    job_id = leave_job(output, "A prompt that is not in the file any more.")
    result = run_batch(invoke, output)
    assert result.exit_code == 0
    assert job_id in result.stderr
    assert [job.id for job in JobStore().list_jobs()] == [job_id]
    assert len(account.posts) == 1


def test_batch_job_whose_row_is_written_is_deleted_by_the_next_run(
    invoke: Invoke, account: Account, output: Path
) -> None:
    assert run_batch(invoke, output).exit_code == 0
    JobStore().change(leave_job(output), state="done", reply={"text": "x"})
    assert run_batch(invoke, output).exit_code == 0
    assert JobStore().list_jobs() == []
    assert len(account.posts) == 1


def test_batch_refused_message_is_not_uncertain(invoke: Invoke, account: Account, output: Path) -> None:
    account.server.script(Answer.error(403, "Forbidden"))
    assert run_batch(invoke, output).exit_code == 10
    assert rows_of(output) == []
    assert JobStore().list_jobs() == []
    assert run_batch(invoke, output).exit_code == 0
    assert len(account.posts) == 2


def test_batch_summary_counts_failures_by_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = [BatchMessage(f"prompt {number}", id=str(number)) for number in range(5)]
    errors = [None, RateLimitError("no"), StreamInterruptedError("no"), RateLimitError("no"), None]
    with ResultFile(tmp_path / "o.jsonl") as results:
        for index, (message, error) in enumerate(zip(messages, errors, strict=True)):
            results.write(BatchResult(index, message, None if error else "reply", error=error))
        with pytest.raises(typer.Exit) as exit_:
            print_summary(Prompts(messages, {str(number): number + 1 for number in range(5)}), results)

    assert exit_.value.exit_code == 13
    assert capsys.readouterr().err.splitlines() == [
        "2 of 5 have a reply",
        "3 failed; --retry-failed sends them again",
        "failures by error: 2 RateLimitError, 1 StreamInterruptedError",
    ]
