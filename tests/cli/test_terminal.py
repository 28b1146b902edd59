"""What only a terminal shows: Ctrl-C in a talk, keys that are pressed meanwhile, Markdown that is drawn while it comes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Gate, Reply
from tests.cli.conftest import heed_ctrl_c
from tests.cli.test_markdown import HEIGHT, LONG_CODE, SAMPLE, WIDTH, at_once
from tests.support.terminal_screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chatgpt_browser.testing import FakeChatGPT

if sys.platform == "win32":
    pytest.skip("terminals of another kind", allow_module_level=True)

import termios

import pexpect

#: Seconds.
PATIENCE = 20


class Session:
    """The command on a terminal of its own."""

    def __init__(self, *arguments: str, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = Screen(width, height)
        self.child: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "chatgpt_browser", *arguments],
            env={
                # The size is the terminal's own to say: a process of pytest-xdist has one in its environment.
                **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")},
                "PYTHONWARNINGS": "error",
                "TERM": "xterm-256color",
                # Nobody answers here where the cursor is.
                "PROMPT_TOOLKIT_NO_CPR": "1",
            },
            dimensions=(height, width),
            encoding="utf-8",
            timeout=PATIENCE,
            preexec_fn=heed_ctrl_c,
        )
        self.mode = self.current_mode()

    def current_mode(self) -> list[Any]:
        """How the terminal treats keys."""
        return termios.tcgetattr(self.child.child_fd)

    def see(self, wanted: str) -> None:
        """Wait until this stands on the screen."""
        self._wait(lambda lines: any(wanted in line for line in lines), wanted)

    def be_asked(self) -> None:
        """Wait until an empty prompt is the last line."""
        self._wait(lambda lines: "\n".join(lines).rstrip().endswith("\n>"), "the prompt")

    def _wait(self, condition: Callable[[list[str]], bool], wanted: str) -> None:
        try:
            while not condition(self.screen.display):
                self.screen.feed(self.child.read_nonblocking(65536, timeout=PATIENCE))
        except (pexpect.TIMEOUT, pexpect.EOF):
            seen = "\n".join(self.screen.lines)
            pytest.fail(f"{wanted!r} did not come; what stands there:\n{seen}", pytrace=False)

    def type(self, keys: str) -> None:
        self.child.send(keys)

    def end(self) -> int | None:
        """Wait for the end; give the exit code."""
        try:
            while True:
                self.screen.feed(self.child.read_nonblocking(65536, timeout=PATIENCE))
        except pexpect.EOF:
            assert self.current_mode() == self.mode
            self.child.wait()
            return self.child.exitstatus
        finally:
            self.child.close(force=True)


@pytest.fixture
def talk(signed_in: FakeChatGPT) -> Iterator[Session]:
    session = Session("chat", width=80, height=24)
    try:
        yield session
    finally:
        session.child.close(force=True)


def test_a_talk(talk: Session, signed_in: FakeChatGPT) -> None:
    gate = Gate()
    signed_in.script(Reply(pieces=["The first ", "words", "never"], hold_after=2, gate=gate))
    talk.see("/help lists")
    talk.be_asked()
    talk.type("Tell me\r")
    talk.see("The first words")

    talk.child.sendintr()
    talk.see("Stopped. /retry sends the message again.")
    assert signed_in.wait_for_request("/backend-api/conversation", "POST").disconnected.wait(PATIENCE)
    gate.open()

    talk.be_asked()
    talk.type("/retry\r")
    talk.see('You said: "Tell me".')
    talk.be_asked()
    talk.type("\x1b[200~pasted\nlines\x1b[201~\r")
    talk.see('You said: "pasted lines". Before that you said: "Tell me".')

    talk.be_asked()
    talk.child.sendintr()
    talk.see("Ctrl-D or /quit leaves.")
    talk.type("\x04")
    assert talk.end() == 0


def test_a_reply_that_is_longer_than_the_screen(signed_in: FakeChatGPT) -> None:
    text, gate = f"{SAMPLE}\n{LONG_CODE}", Gate()
    signed_in.script(Reply(text, interval=1, hold_after=20, gate=gate))
    session = Session("ask", "Show me")
    session.see("Some bold")
    session.type("keys that are pressed\rmeanwhile\r")
    gate.open()
    assert session.end() == 0
    assert session.screen.lines == at_once(text)
