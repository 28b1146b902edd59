"""Ways to stop `ask` from outside: each ends with its own code, says nothing, and takes the browser with it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from chatgpt_browser.testing import Gate, Reply
from tests.processes import still_running

if TYPE_CHECKING:
    import subprocess
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
