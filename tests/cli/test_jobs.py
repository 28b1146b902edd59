"""`chatgpt-browser ask --detach` and `chatgpt-browser jobs`."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser._store.job_record import JobRecord
from chatgpt_browser._store.job_store import JobStore
from chatgpt_browser.cli.jobs.waiting import describe, format_age
from chatgpt_browser.testing import Gate, Reply, SentFile
from tests.support.scripted_site import posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.cli_fixtures import Account, Invoke


def stored_job(state: str = "done", text: str = "hello **you**") -> str:
    """Add a job to the store and return its id."""
    store = JobStore()
    job = store.create(origin="https://chat.example", text="question", keep_text=True)
    if state == "done":
        store.change(job.id, state="done", reply={"text": text}, conversation_id="c-1")
    elif state == "failed":
        store.change(
            job.id, state="failed", error={"type": "RateLimitError", "message": "Too many requests."}
        )
    return job.id


def background_process(job_id: str) -> list[int]:
    """Return the ids of the background processes whose log belongs to the job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_same = os.readlink(folder / "fd/2").endswith(f"{job_id}.log")
            is_python = b"run-in-background" in (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if is_same and is_python:
            found.append(int(folder.name))
    return found


def test_jobs_list_and_show_without_a_session(invoke: Invoke) -> None:
    assert invoke("jobs", "list").stdout == ""
    done, failed = stored_job(), stored_job("failed")

    lines = invoke("jobs", "list").stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [[failed, "failed"], [done, "done"]]
    assert lines[1].split("\t")[3] == "c-1"
    assert "error: Too many requests." in invoke("jobs", "show", failed).stdout
    shown = json.loads(invoke("jobs", "show", done[:6], "--json").stdout)
    assert (shown["id"], shown["reply"], shown["question"]) == (done, "hello **you**", "question")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59.4, "59 s"), (60, "1 min"), (3725, "1 h 2 min"), (90_000, "1 d 1 h"), (86_460, "1 d")],
)
def test_format_age_shows_the_two_largest_units(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_describe_names_what_is_awaited_since_when_and_the_last_event() -> None:
    record = JobRecord(
        id="1b9d",
        state="running",
        origin="o",
        created_at=1000.0,
        updated_at=2260.0,
        text_hash="h",
        event="the reply has 1,204 characters",
    )
    assert describe(record, 2440.0) == (
        "the reply of job 1b9d (running for 24 min; 3 min ago: the reply has 1,204 characters)"
    )


def test_jobs_show_active_job_shows_what_is_awaited(invoke: Invoke) -> None:
    job_id = stored_job("queued")
    shown = invoke("jobs", "show", job_id).stdout
    assert f"waits for: the reply of job {job_id} (queued for" in shown
    assert "last event: the message waits to be sent" in shown


def test_jobs_wait_of_ended_jobs_writes_reply_or_error(invoke: Invoke) -> None:
    done, failed = stored_job(), stored_job("failed")

    assert invoke("jobs", "wait", done).stdout == "hello **you**\n"
    assert invoke("jobs", "wait", done, "--plain-text").stdout == "hello you\n"
    result = invoke("jobs", "wait", failed)
    assert (result.exit_code, result.stdout) == (6, "")
    assert "Too many requests." in result.stderr


def test_jobs_wait_of_ended_job_writes_the_parts_of_the_reply(invoke: Invoke, tmp_path: Path) -> None:
    job_id, store = stored_job("queued"), JobStore()
    thought = {"summary": "Weighing", "text": "One or two?", "seconds": 3.0}
    call = {"name": "python", "input": "1+1", "output": "2", "status": "finished"}
    reply = {
        "text": "the **answer**",
        "message_id": "m-1",
        "model": "m",
        "thoughts": [thought],
        "tool_calls": [call],
    }
    store.change(job_id, state="done", reply=reply)

    quote = "> Weighing\n> \n> One or two?\n> \n> thought for 3 s\n> \n> used python\n\nthe **answer**\n"
    assert invoke("jobs", "wait", job_id, "--show-thoughts").stdout == quote
    assert invoke("jobs", "wait", job_id, "--no-stream").stdout == "the **answer**\n"
    folder = tmp_path / "pictures"
    written = json.loads(invoke("jobs", "wait", job_id, "--json", "--save-files", str(folder)).stdout)
    assert (written["reply"], written["message_id"], written["model"]) == ("the **answer**", "m-1", "m")
    assert (written["thoughts"], written["tool_calls"], written["saved_files"]) == ([thought], [call], [])
    assert folder.is_dir()


def test_jobs_wait_save_files_downloads_the_files_of_the_reply(
    invoke: Invoke, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def client(**_: object) -> Iterator[ChatGPTAPI]:
        yield account.api

    monkeypatch.setattr(sys.modules["chatgpt_browser.cli.jobs.commands"], "client_from_environment", client)
    monkeypatch.setattr(account.api._core, "_job_runner", None)  # The client uses the store of this test.
    account.server.script(Reply("a picture", files=[SentFile.image()]))
    job_id = account.api.submit("Draw.").id
    folder = tmp_path / "pictures"
    result = invoke("jobs", "wait", job_id, "--save-files", str(folder))
    assert (result.exit_code, result.stdout) == (0, "a picture\n")
    (picture,) = folder.iterdir()
    assert f"saved {picture}" in result.stderr
    account.api._core._jobs.store.close()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--timeout", "60"], "--timeout SECONDS"),
        (["--json"], "--json"),
        (["--save-files", "pictures"], "--save-files FOLDER"),
        (["--no-stream"], "--no-stream"),
        (["--show-thoughts"], "--show-thoughts"),
    ],
)
def test_ask_detach_option_of_wait_is_usage_error(options: list[str], hint: str, invoke: Invoke) -> None:
    result = invoke("ask", "--detach", *options, "a question")
    assert (result.exit_code, result.stdout) == (2, "")
    message = " ".join(result.stderr.replace("│", " ").split())
    assert f"{options[0]} cannot be combined with --detach" in message
    assert f"jobs wait ID {hint}" in message
    assert JobStore().list_jobs() == []


def test_ask_keep_text_without_detach_is_usage_error(invoke: Invoke) -> None:
    result = invoke("ask", "--keep-text", "a question")
    assert result.exit_code == 2
    assert "--detach" in result.stderr


def test_jobs_wait_timeout_exits_7_and_keeps_the_job(invoke: Invoke) -> None:
    store = JobStore()
    job = store.create(origin="o", text="q")
    store.change(job.id, state="running", partial="so far")

    result = invoke("jobs", "wait", job.id, "--timeout", "0.4")
    assert (result.exit_code, result.stdout) == (7, "so far\n")
    assert store.get(job.id).state == "running"


def test_jobs_cancel_and_forget(invoke: Invoke) -> None:
    job_id = stored_job("queued")

    assert invoke("jobs", "forget", job_id).exit_code == 15
    assert invoke("jobs", "cancel", job_id).stderr == f"cancelled {job_id}\n"
    assert "already ended" in invoke("jobs", "cancel", job_id).stderr
    assert invoke("jobs", "forget", job_id).exit_code == 0
    assert invoke("jobs", "show", job_id).exit_code == 15


def test_ask_detach_prints_id_and_jobs_wait_streams_the_reply(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    gate = Gate()
    signed_in.script(Reply("one two three", hold_after=1, gate=gate))

    result = invoke("ask", "--detach", "a detached question")
    assert (result.exit_code, result.stderr) == (0, "")
    job_id = result.stdout.strip()
    assert result.stdout == f"{job_id}\n"
    assert JobStore().get(job_id).state == "running"
    if sys.platform == "linux":
        (pid,) = background_process(job_id)
        for name in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{name}").read_bytes()
            assert signed_in.session_token.encode() not in content
            assert b"detached question" not in content
    gate.open()

    assert invoke("jobs", "wait", job_id).stdout == "one two three\n"
    assert len(posts_of(signed_in.requests)) == 1
    log = Path(os.environ["CHATGPT_DATA_DIR"]) / "job-logs" / f"{job_id}.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert signed_in.session_token not in log.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
def test_jobs_wait_takes_over_from_a_killed_background_process(
    invoke: Invoke, signed_in: FakeChatGPT
) -> None:
    gate = Gate()
    signed_in.script(Reply("one two three", hold_after=1, gate=gate, continues=True))
    job_id = invoke("ask", "--detach", "a question that outlives").stdout.strip()

    (pid,) = background_process(job_id)
    os.kill(pid, signal.SIGKILL)
    gate.open()

    result = invoke("jobs", "wait", job_id)
    assert (result.exit_code, result.stdout) == (0, "one two three\n")
    assert len(posts_of(signed_in.requests)) == 1


def test_ask_detach_refused_question_exits_with_the_error(
    invoke: Invoke, signed_in: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "not-the-token-of-this-server")

    result = invoke("ask", "--detach", "a question")
    assert (result.exit_code, result.stdout) == (4, "")
    assert [job.state for job in JobStore().list_jobs()] == ["failed"]
