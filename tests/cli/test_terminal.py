"""The command line on a pseudo-terminal: Ctrl-C in `chat`, keys typed during output, live Markdown."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Gate, Reply
from tests.support.cli_fixtures import restore_default_sigint
from tests.support.markdown_samples import LONG_CODE, SAMPLE
from tests.support.terminal_screen import HEIGHT, WIDTH, Screen, lines_printed_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chatgpt_browser.testing import FakeChatGPT

if sys.platform == "win32":
    pytest.skip("POSIX pseudo-terminals", allow_module_level=True)

import termios

import pexpect

#: The timeout of each expectation, in seconds.
TIMEOUT = 20


class TerminalSession:
    """The command in a new process on a pseudo-terminal."""

    def __init__(self, *arguments: str, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = Screen(width, height)
        self.child: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "chatgpt_browser", *arguments],
            env={
                # The size must come from the terminal; pytest-xdist sets it in the environment.
                **{
                    name: value
                    for name, value in os.environ.items()
                    if name not in ("COLUMNS", "LINES", "CI")
                },
                "PYTHONWARNINGS": "error",
                "TERM": "xterm-256color",
                # This terminal does not answer requests for the cursor position.
                "PROMPT_TOOLKIT_NO_CPR": "1",
            },
            dimensions=(height, width),
            encoding="utf-8",
            timeout=TIMEOUT,
            preexec_fn=restore_default_sigint,
        )
        self.settings = self.current_settings()

    def current_settings(self) -> list[Any]:
        """Return the settings of the terminal."""
        return termios.tcgetattr(self.child.child_fd)

    def wait_for_text(self, wanted: str) -> None:
        """Wait until the text is on the screen."""
        self._wait(lambda lines: any(wanted in line for line in lines), wanted)

    def wait_for_prompt(self) -> None:
        """Wait until an empty prompt is the last line."""
        self._wait(lambda lines: "\n".join(lines).rstrip().endswith("\n>"), "the prompt")

    def _wait(self, condition: Callable[[list[str]], bool], wanted: str) -> None:
        try:
            while not condition(self.screen.display):
                self.screen.feed(self.child.read_nonblocking(65536, timeout=TIMEOUT))
        except (pexpect.TIMEOUT, pexpect.EOF):
            seen = "\n".join(self.screen.lines)
            pytest.fail(f"{wanted!r} did not appear on the screen:\n{seen}", pytrace=False)

    def type(self, keys: str) -> None:
        self.child.send(keys)

    def wait_for_exit(self) -> int | None:
        """Wait until the process ends; return the exit code."""
        try:
            while True:
                self.screen.feed(self.child.read_nonblocking(65536, timeout=TIMEOUT))
        except pexpect.EOF:
            assert self.current_settings() == self.settings
            self.child.wait()
            return self.child.exitstatus
        finally:
            self.child.close(force=True)


@pytest.fixture
def chat(signed_in: FakeChatGPT) -> Iterator[TerminalSession]:
    session = TerminalSession("chat", width=80, height=24)
    try:
        yield session
    finally:
        session.child.close(force=True)


def test_chat_on_terminal_stops_retries_and_leaves(chat: TerminalSession, signed_in: FakeChatGPT) -> None:
    gate = Gate()
    signed_in.script(Reply(pieces=["The first ", "words", "never"], hold_after=2, gate=gate))
    chat.wait_for_text("/help lists")
    chat.wait_for_prompt()
    chat.type("Tell me\r")
    chat.wait_for_text("The first words")

    chat.child.sendintr()
    chat.wait_for_text("Stopped. /retry sends the message again.")
    assert signed_in.wait_for_request("/backend-api/conversation", "POST").disconnected.wait(TIMEOUT)
    gate.open()

    chat.wait_for_prompt()
    chat.type("/retry\r")
    chat.wait_for_text('You said: "Tell me".')
    chat.wait_for_prompt()
    chat.type("\x1b[200~pasted\nlines\x1b[201~\r")
    chat.wait_for_text('You said: "pasted lines". Before that you said: "Tell me".')

    chat.wait_for_prompt()
    chat.child.sendintr()
    chat.wait_for_text("Ctrl-D or /quit leaves.")
    chat.type("\x04")
    assert chat.wait_for_exit() == 0


def test_ask_reply_longer_than_screen_is_complete(signed_in: FakeChatGPT) -> None:
    text, gate = f"{SAMPLE}\nRun git clone <url> first.\n\n{LONG_CODE}", Gate()
    signed_in.script(Reply(text, interval=1, hold_after=20, gate=gate))
    session = TerminalSession("ask", "Show me")
    session.wait_for_text("Some bold")
    session.type("keys that are pressed\rmeanwhile\r")
    gate.open()
    assert session.wait_for_exit() == 0
    assert session.screen.lines == lines_printed_at_once(text)
    assert "Run git clone <url> first." in session.screen.lines
