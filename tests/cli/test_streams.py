"""The three standard streams as terminal, pipe, file and socket: what goes where, and that only a terminal is animated."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import sys
import tempfile
import threading
import unicodedata
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.cli import app
from chatgpt_browser.cli.batch.progress import ProgressCounts, ProgressDisplay
from chatgpt_browser.cli.output.consoles import err
from chatgpt_browser.testing import Answer, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cli_fixtures import Account

if sys.platform == "win32":
    pytest.skip("POSIX pseudo-terminals", allow_module_level=True)

import pty
import termios

KINDS = ("terminal", "pipe", "file", "socket")
ENVIRONMENTS: list[dict[str, str]] = [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"CI": "true"}]
TEXT = "list[int] a[red] :smile: \x1b]52;c;aGk=\x07[/nonsense] \x9b2J \u202e\u200b"
SHOWN = "list[int] a[red] :smile: \\x1b]52;c;aGk=\\x07[/nonsense] \\x9b2J \\u202e\\u200b"


def is_chosen(kinds: tuple[str, ...]) -> bool:
    """Return True for 16 of the 64 combinations: in these, each two streams have each pair of kinds once."""
    return sum(map(KINDS.index, kinds)) % len(KINDS) == 0


#: Every combination once; each environment and `--json` with every kind of stream.
COMBINATIONS = [
    *(
        pytest.param(kinds, {}, [], marks=() if is_chosen(kinds) else pytest.mark.long)
        for kinds in itertools.product(KINDS, KINDS, KINDS)
    ),
    *((kinds, env, []) for env in ENVIRONMENTS for kinds in itertools.product(("pipe",), KINDS, KINDS[:2])),
    *(((kind, kind, kind), env, ["--json"]) for env in ENVIRONMENTS for kind in KINDS),
]
#: Sequences that move the cursor or clear lines.
MOVES = re.compile(rb"\x1b\[[0-9;?]*[A-HJKf]|\x1b\[\?25|\r(?!\n)")
#: Sequences of our own that set colours and styles, or rewrite lines.
OWN = re.compile(r"\x1b\[[0-9;]*[mAJK]|\x1b\[\?25[lh]|\r")


class Stream:
    """A stream of a kind, with the data that was written to it."""

    def __init__(self, kind: str, stack: ExitStack, data: bytes | None = None) -> None:
        self.kind = kind
        self.data = b""
        self._thread: threading.Thread | None = None
        self._file: Any = None
        if kind == "file":
            self._file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            self._file.write(data or b"")
            self._file.seek(0)
            self.descriptor = os.dup(self._file.fileno())
            return
        ours, self.descriptor = self._open(kind, for_input=data is not None)
        if data is not None:
            os.write(ours, data if kind != "terminal" else b"")
            stack.callback(os.close, ours) if kind == "terminal" else os.close(ours)
            return
        self._thread = threading.Thread(target=self._read, args=(ours,))
        self._thread.start()

    @staticmethod
    def _open(kind: str, *, for_input: bool) -> tuple[int, int]:
        if kind == "terminal":
            ours, theirs = pty.openpty()
            settings = termios.tcgetattr(theirs)
            settings[1] &= ~termios.OPOST  # no carriage return before a line feed
            termios.tcsetattr(theirs, termios.TCSANOW, settings)
            return ours, theirs
        if kind == "socket":
            first, second = socket.socketpair()
            return first.detach(), second.detach()
        reading, writing = os.pipe()
        return (writing, reading) if for_input else (reading, writing)

    def _read(self, descriptor: int) -> None:
        while True:
            try:
                chunk = os.read(descriptor, 65536)
            except OSError:  # Linux: the other side of the terminal was closed
                chunk = b""
            if not chunk:
                os.close(descriptor)
                return
            self.data += chunk

    def finish(self) -> None:
        """Wait until everything that was written has been read."""
        if self._thread is not None:
            self._thread.join()
        elif self._file is not None:
            self._file.seek(0)
            self.data = self._file.read()


class Result:
    """The exit code and the output of a command."""

    def __init__(self, code: int, stdout: bytes, stderr: bytes) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr


def run(arguments: list[str], kinds: tuple[str, str, str], piped: bytes = b"") -> Result:
    """Run a command in this process with streams of these kinds."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        streams = [Stream(kinds[0], stack, piped), Stream(kinds[1], stack), Stream(kinds[2], stack)]
        names = ("stdin", "stdout", "stderr")
        files = []
        for name, stream in zip(names, streams, strict=True):
            mode = "r" if name == "stdin" else "w"
            files.append(open(stream.descriptor, mode, encoding="utf-8", errors="replace", newline=""))  # noqa: SIM115
            patch.setattr(sys, name, files[-1])
        code: Any = 0
        try:
            app(arguments, prog_name="chatgpt-browser")
        except SystemExit as error:
            code = error.code
        finally:
            for file in files:
                file.close()
        for stream in streams:
            stream.finish()
        return Result(code or 0, streams[1].data, streams[2].data)


@pytest.fixture(autouse=True)
def browser(account: Account) -> None:
    """Start the shared browser first: its processes inherit standard error, and would keep a replaced one open."""
    account.api.start()


@pytest.fixture
def variables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)
    chosen: dict[str, str] = request.param
    return chosen


def check_moves(result: Result, kinds: tuple[str, str, str], variables: dict[str, str]) -> None:
    """Check that only an animated terminal receives cursor movements."""
    for kind, data in zip(kinds[1:], (result.stdout, result.stderr), strict=True):
        if kind != "terminal" or variables.keys() & {"TERM", "CI"}:
            assert not MOVES.search(data), data


@pytest.mark.parametrize(("kinds", "variables", "options"), COMBINATIONS, indirect=["variables"])
def test_ask_reply_is_on_stdout_for_every_kind_of_stream(
    account: Account, kinds: tuple[str, str, str], variables: dict[str, str], options: list[str]
) -> None:
    account.server.script(Reply(TEXT))
    result = run(["ask", "--plain-text", *options, "Why?"], kinds, b"piped words")

    assert result.code == 0
    [post] = account.posts
    sent = post.json["messages"][0]["content"]["parts"][0]
    assert sent == ("Why?" if kinds[0] == "terminal" else "Why?\n\npiped words")
    check_moves(result, kinds, variables)
    if options:
        assert json.loads(result.stdout)["reply"] == TEXT
    elif kinds[1] == "terminal":
        assert result.stdout == f"{SHOWN}\n".encode()
    else:
        assert result.stdout == f"{TEXT}\n".encode()
    assert "list[int]" not in result.stderr.decode()


@pytest.mark.parametrize("kinds", [(a, b, b) for a in ("terminal", "pipe") for b in KINDS], ids="-".join)
@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "-v", "--plain-text", "Why?"],
        ["ask", "-v", "Why?"],
        ["ask", "--no-stream", "Why?"],
        ["history", "list"],
        ["history", "list", "--json"],
        ["history", "show", "CONVERSATION"],
        ["history", "show", "CONVERSATION", "--json"],
        ["history", "export", "CONVERSATION"],
        ["history", "rename", "CONVERSATION", TEXT],
        ["models"],
        ["history", "show", "missing-id"],
    ],
    ids=lambda arguments: "-".join(arguments[:3]).replace("\x1b", ""),
)
def test_command_with_text_of_the_site_writes_no_control_sequence_of_it(
    account: Account, kinds: tuple[str, str, str], arguments: list[str]
) -> None:
    conversation = account.api.get_conversation()
    account.server.script(Reply(TEXT))
    conversation.send_message("How?")
    assert conversation.conversation_id
    account.api.rename_conversation(conversation.conversation_id, f"{TEXT}\n[bold]title")
    if arguments[0] == "models":
        account.server.script_path(
            "/models", Answer(200, {"models": [{"slug": f"m{TEXT}", "title": TEXT, "max_tokens": 1}]})
        )
    if arguments[0] == "ask":
        account.server.script(Reply(TEXT))
    if "missing-id" in arguments:
        account.server.script_path("/conversation/missing-id", Answer(404, {"detail": TEXT}))

    names = [conversation.conversation_id if name == "CONVERSATION" else name for name in arguments]
    result = run(names, kinds, b"")

    for kind, data in zip(kinds[1:], (result.stdout, result.stderr), strict=True):
        text = data.decode()
        if kind == "terminal":
            assert_clean(OWN.sub("", text))
        else:
            assert not MOVES.search(data)
    assert result.stdout if arguments[-1] != "missing-id" and "rename" not in arguments else result.stderr


def assert_clean(text: str) -> None:
    for char in text:
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf"), (hex(ord(char)), text)


def test_history_delete_prompt_with_title_of_the_site_is_clean(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return False

    conversation = account.api.get_conversation()
    conversation.send_message("How?")
    assert conversation.conversation_id
    account.api.rename_conversation(conversation.conversation_id, f"{TEXT}\nDelete another one?")
    monkeypatch.setattr("typer.confirm", confirm)
    run(["history", "delete", conversation.conversation_id], ("terminal", "terminal", "terminal"))
    assert_clean(asked[0])
    assert "\n" not in asked[0]


def test_error_line_is_wrapped_between_words(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "the conversation was closed by an administrator of the workspace"
    monkeypatch.setattr(err, "_width", 30)  # Rich reads COLUMNS at the import, and pytest-xdist sets it
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("CI", "true")  # no spinner
    for kind, is_wrapped in (("terminal", True), ("pipe", False)):
        account.server.script_path("/conversation/missing-id", Answer(404, {"detail": words}))
        result = run(["history", "show", "missing-id"], ("pipe", kind, kind))
        lines = OWN.sub("", result.stderr.decode()).splitlines()

        error = lines if is_wrapped else lines[:1]
        assert words in " ".join(" ".join(error).split())
        assert (max(map(len, error)) <= 30) == is_wrapped


def test_ask_open_pipe_within_timeout_exits_7_and_says_what_is_awaited(account: Account) -> None:
    reading, writing = os.pipe()
    try:
        result = run_with_open_input(reading, lambda: ["ask", "Why?", "--timeout", "0.6"])
    finally:
        os.close(writing)
    assert result.code == 7
    assert b"Standard input did not end within the limit of 0.6 s" in result.stderr
    assert b"waiting for the end of standard input" in result.stderr
    assert account.posts == []


def run_with_open_input(descriptor: int, arguments: Callable[[], list[str]]) -> Result:
    """Run a command with a terminal on standard error and this descriptor as standard input."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        out, terminal = Stream("pipe", stack), Stream("terminal", stack)
        files: list[Any] = [
            open(descriptor, encoding="utf-8", closefd=False),  # noqa: SIM115
            open(out.descriptor, "w", encoding="utf-8"),  # noqa: SIM115
            open(terminal.descriptor, "w", encoding="utf-8"),  # noqa: SIM115
        ]
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", "200")
        for name, file in zip(("stdin", "stdout", "stderr"), files, strict=True):
            patch.setattr(sys, name, file)
        with pytest.raises(SystemExit) as caught:
            app(arguments(), prog_name="chatgpt-browser")
        for file in files:
            file.close()
        out.finish()
        terminal.finish()
        return Result(int(caught.value.code or 0), out.data, terminal.data)


def test_batch_progress_with_text_of_the_site_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        terminal = Stream("terminal", stack)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("CI", raising=False)
        with open(terminal.descriptor, "w", encoding="utf-8") as file:
            monkeypatch.setattr(sys, "stderr", file)
            monkeypatch.setattr(err, "is_interactive", True)
            with ProgressDisplay(ProgressCounts(2, 0, 0)) as display:
                display.on_milestone("paused", TEXT)
                display.count(failed=False)
        terminal.finish()
    text = terminal.data.decode()
    assert SHOWN in text
    assert_clean(OWN.sub("", text))


def test_ask_markdown_on_terminal_of_ci_is_written_once(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("TERM", "xterm-256color")
    account.server.script(Reply("Some **bold** words"))
    result = run(["ask", "Why?"], ("terminal", "terminal", "terminal"))
    assert OWN.sub("", result.stdout.decode()) == "Some bold words\n"
    assert not MOVES.search(result.stdout + result.stderr)
