"""Signals that stop `ask`: exit code, output and no browser left; and outputs that cannot take the reply."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from chatgpt_browser.testing import Gate, Reply
from tests.support.processes import still_running

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.cli_fixtures import StartCommand

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return all child processes of a process, recursively."""
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize(
    ("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), pytest.param("SIGHUP", 129, marks=pytest.mark.long)]
)
def test_ask_signal_during_reply_ends_the_browser(
    name: str, code: int, signed_in: FakeChatGPT, start_command: StartCommand
) -> None:
    if signal.getsignal(signal.Signals[name]) is signal.SIG_IGN and name == "SIGHUP":
        pytest.skip("the test run ignores SIGHUP, and the command inherits this")
    gate = Gate()
    signed_in.script(Reply(pieces=["first\n", "second\n"], hold_after=1, gate=gate))
    with start_command("ask", "Hello") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.close()
        assert process.stdout.readline() == "first\n"
        started = descendants(process)
        assert started

        process.send_signal(signal.Signals[name])
        assert process.wait(20) == code
        assert process.stdout.read() == ""
        (conversation_id,) = signed_in.conversations
        note = f"interrupted; the question is in conversation {conversation_id}\n"
        assert process.stderr.read() == (note if name == "SIGINT" else "")

    assert not still_running(started)
    gate.open()


def test_ask_closed_output_pipe_exits_141(signed_in: FakeChatGPT, start_command: StartCommand) -> None:
    gate = Gate()
    signed_in.script(Reply(pieces=["first\n", "second\n"], hold_after=1, gate=gate))
    with start_command("ask", "Hello") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.close()
        assert process.stdout.readline() == "first\n"
        started = descendants(process)

        process.stdout.close()
        gate.open()
        assert process.wait(20) == 141
        assert process.stderr.read() == ""

    assert not still_running(started)


def test_ask_question_from_pipe_is_sent(signed_in: FakeChatGPT, start_command: StartCommand) -> None:
    with start_command("ask", "Translate:") as process:
        stdout, stderr = process.communicate("grüße, 世界 🌍")

    assert stdout == 'You said: "Translate:\n\ngrüße, 世界 🌍".\n'
    assert stderr == ""
    assert process.returncode == 0


# ---- outputs that cannot take the reply ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "encoding", "written"),
    [
        ((), "cp1252", "caf\xe9 ?\n"),
        pytest.param((), "ascii", "caf? ?\n", marks=pytest.mark.long),
        (("--json",), "ascii", '"caf\\u00e9 \\ud83d\\ude00"'),
    ],
)
def test_ask_unencodable_character_is_replaced_or_escaped(
    signed_in: FakeChatGPT,
    start_command: StartCommand,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    encoding: str,
    written: str,
) -> None:
    """Windows consoles use such encodings: unencodable characters become `?` in text and are escaped in JSON."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    signed_in.script("café \U0001f600")
    with start_command("ask", *arguments, "Hello") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.close()
        assert written.encode(encoding) in process.stdout.buffer.read()  # type: ignore[attr-defined]
        assert process.stderr.read() == ""
        assert process.wait(20) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_ask_full_disk_exits_1(signed_in: FakeChatGPT) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "chatgpt_browser", "ask", "Hello"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert "No space left" in ended.stderr and "Traceback" not in ended.stderr
