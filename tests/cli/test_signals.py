"""Ways to stop `ask` from outside, each with its own code and the browser taken along; and outputs that can't take a reply."""

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
    from collections.abc import Callable

    from chatgpt_browser.testing import FakeChatGPT

    Command = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_in_the_middle_of_a_reply(
    sent: signal.Signals, code: int, signed_in: FakeChatGPT, command: Command
) -> None:
    gate = Gate()
    signed_in.script(Reply(pieces=["first\n", "second\n"], hold_after=1, gate=gate))
    with command("ask", "Hello") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.close()
        assert process.stdout.readline() == "first\n"
        started = family(process)
        assert started

        process.send_signal(sent)
        assert process.wait(20) == code
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""

    assert not still_running(started)
    gate.open()


def test_reader_that_goes_away(signed_in: FakeChatGPT, command: Command) -> None:
    gate = Gate()
    signed_in.script(Reply(pieces=["first\n", "second\n"], hold_after=1, gate=gate))
    with command("ask", "Hello") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.close()
        assert process.stdout.readline() == "first\n"
        started = family(process)

        process.stdout.close()
        gate.open()
        assert process.wait(20) == 141
        assert process.stderr.read() == ""

    assert not still_running(started)


def test_question_from_a_pipe(signed_in: FakeChatGPT, command: Command) -> None:
    with command("ask", "Translate:") as process:
        stdout, stderr = process.communicate("grüße, 世界 🌍")

    assert stdout == 'You said: "Translate:\n\ngrüße, 世界 🌍".\n'
    assert stderr == ""
    assert process.returncode == 0


# ---- where a reply goes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "encoding", "written"),
    [
        ((), "cp1252", "caf\xe9 ?\n"),
        ((), "ascii", "caf? ?\n"),
        (("--json",), "ascii", '"caf\\u00e9 \\ud83d\\ude00"'),
    ],
)
def test_an_output_that_has_no_such_character(
    signed_in: FakeChatGPT,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    encoding: str,
    written: str,
) -> None:
    """As a console's own on Windows: the reply has been paid for, and comes as far as it can; as JSON, whole."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    signed_in.script("café \U0001f600")
    with command("ask", *arguments, "Hello") as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.close()
        assert written.encode(encoding) in process.stdout.buffer.read()  # type: ignore[attr-defined]
        assert process.stderr.read() == ""
        assert process.wait(20) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_disk_that_is_full(signed_in: FakeChatGPT) -> None:
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
