"""`chatgpt-browser ask`: the question, the output of the reply, and the exit codes."""

from __future__ import annotations

import importlib
import io
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from chatgpt_browser import TextDelta
from chatgpt_browser.cli.input import question as question_module
from chatgpt_browser.cli.input.question import build_question
from chatgpt_browser.cli.output.reply import write_reply
from chatgpt_browser.testing import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.cli_fixtures import Account, Invoke


class FakeTerminal(io.StringIO):
    """A text stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_ask_reply_is_the_only_output(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("ask", "Hello from the command line")
    assert result.exit_code == 0
    assert result.stdout == 'You said: "Hello from the command line".\n'
    assert result.stderr == ""


def test_ask_verbose_logs_to_stderr(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("ask", "Hello", "-vv")
    assert result.stdout == 'You said: "Hello".\n'
    assert "browser up" in result.stderr
    assert signed_in.session_token not in result.stderr


def test_ask_without_token_exits_3_and_names_the_variable(invoke: Invoke) -> None:
    result = invoke("ask", "Hello")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "There is no session token" in result.stderr
    assert "CHATGPT_SESSION_TOKEN" in result.stderr


def test_ask_invalid_session_exits_4(
    invoke: Invoke, signed_in: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "another-accounts-token")
    result = invoke("ask", "Hello")
    assert result.exit_code == 4
    assert "another-accounts-token" not in result.stderr


def test_ask_timeout_exits_7(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("ask", "Hello", "--timeout", "0.001")
    assert result.exit_code == 7
    assert "timed out" in result.stderr


@pytest.mark.parametrize("arguments", [["ask"], ["ask", ""], ["ask", "Hello", "--timeout", "-1"]])
def test_ask_invalid_usage_exits_2(invoke: Invoke, arguments: list[str]) -> None:
    assert invoke(*arguments).exit_code == 2


def test_ask_invalid_base_url_exits_2(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "chat.example/api")
    result = invoke("ask", "Hello")
    assert result.exit_code == 2
    assert "api_base_url" in result.stderr
    assert "CHATGPT_API_BASE_URL" in result.stderr


def test_ask_invalid_messages_per_hour_exits_2(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    monkeypatch.setenv("CHATGPT_MESSAGES_PER_HOUR", "twenty")
    result = invoke("ask", "Hello")
    assert result.exit_code == 2
    assert "CHATGPT_MESSAGES_PER_HOUR must be a whole number of at least 1, not 'twenty'" in result.stderr


def test_ask_remembered_limit_exits_6_without_a_request(
    invoke: Invoke, signed_in: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in.script(Answer.too_many_requests(retry_after=1800))
    assert invoke("ask", "Hello", "--model", "gpt-4").exit_code == 6
    count = len(signed_in.requests)
    result = invoke("ask", "Hello", "--json")
    assert result.exit_code == 6
    error = json.loads(result.stdout)["error"]
    assert error["remembered"] is True
    assert 0 < error["retry_after"] <= 1800
    assert len(signed_in.requests) == count


def test_ask_options_are_passed_to_the_client(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    class Client:
        def __init__(self, **options: Any) -> None:
            given.update(options)

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def stream_message(self, message: str, **options: Any) -> Stream:
            given.update(options, message=message)
            return Stream(["yes"])

    monkeypatch.setattr(
        importlib.import_module("chatgpt_browser.cli.commands.ask"), "client_from_environment", Client
    )
    result = invoke("ask", "Is it?", "--timeout", "2.5", "--plain-text", "--headed", "-m", "best")
    assert result.stdout == "yes\n"
    assert given == {
        "message": "Is it?",
        "timeout_ms": timedelta(seconds=2.5),
        "use_background": True,
        "markdown": False,
        "headless": False,
        "model": "best",
        "send_via": "auto",
    }


class Stream(list[str]):
    """A reply stream with fixed pieces."""

    conversation_id = message_id = reply = None

    def events(self) -> list[TextDelta]:
        return [TextDelta(piece, piece) for piece in self]

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("argument", "piped", "question"),
    [
        ("Why?", "", "Why?"),
        (None, "Why?\n", "Why?\n"),
        ("Explain:", "print(1)\n", "Explain:\n\nprint(1)\n"),
        ("Why?", " \n", "Why?"),
    ],
)
def test_build_question_joins_argument_and_piped_input(
    argument: str | None, piped: str, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_module, "read_piped_input", lambda: piped)
    assert build_question(argument) == question


def test_build_question_non_utf8_input_is_rejected(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    path = tmp_path / "question"
    path.write_bytes(b"caf\xe9")
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        with pytest.raises(typer.BadParameter, match="UTF-8"):
            build_question(None)


def test_build_question_closed_stdin_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert build_question("Why?") == "Why?"


@pytest.mark.parametrize(
    ("stream", "written"), [(FakeTerminal(), "a\\x1b[2Jb\n"), (io.StringIO(), "a\x1b[2Jb\n")]
)
def test_write_reply_escapes_control_characters_on_terminal_only(
    stream: io.StringIO, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    write_reply(["a\x1b[2J", "b"])
    assert stream.getvalue() == written


def test_write_reply_after_error_ends_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    def pieces() -> Iterator[str]:
        yield "half a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_reply(pieces())

    assert capsys.readouterr().out == "half a\n"


@pytest.mark.parametrize("text", ["one\n", ""])
def test_write_reply_complete_line_gets_no_second_line_feed(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reply([text])
    assert capsys.readouterr().out == text


# ---- files, JSON and conversations -----------------------------------------------------------------------------------


def test_build_question_appends_files_below_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.py").write_text("print(1)\n")
    Path("notes.md").write_text("```sh\nls\n```")
    question = build_question("Why?", [Path("one.py"), tmp_path / "notes.md"])
    assert question == "Why?\n\none.py:\n\n```\nprint(1)\n```\n\nnotes.md:\n\n````\n```sh\nls\n```\n````"


def test_ask_unreadable_file_exits_2(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG")
    for name in ("picture", "nothing", "."):
        result = invoke("ask", "Why?", "--file", str(tmp_path / name))
        assert result.exit_code == 2
        assert "--file" in result.stderr


def test_ask_json_writes_one_object(invoke: Invoke, account: Account) -> None:
    result = invoke("ask", "Hello", "--json")
    content = json.loads(result.stdout)
    assert content["reply"] == 'You said: "Hello".'
    assert content["conversation_id"] in account.server.conversations
    assert content["message_id"]
    assert content["model"] == "text-davinci-002-render"
    assert 0 < content["seconds"]["first_word"] <= content["seconds"]["total"]
    assert result.stderr == ""


def test_ask_json_writes_errors_to_stdout(invoke: Invoke, account: Account) -> None:
    account.server.script(Answer(429, {"detail": "Too many requests in 1 hour. Try again later."}))
    result = invoke("ask", "Hello", "--json")
    assert result.exit_code == 6
    error = json.loads(result.stdout)["error"]
    assert (error["type"], error["exit_code"], error["status_code"]) == ("RateLimitError", 6, 429)
    assert error["scope"] == "hour"
    assert result.stderr == ""


def test_ask_no_stream_writes_the_same_text(invoke: Invoke, account: Account) -> None:
    account.server.script("# A *reply*\n")
    assert invoke("ask", "Hello", "--no-stream").stdout == "# A *reply*\n"


def test_ask_continue_uses_the_last_position(invoke: Invoke, account: Account, data_folder: Path) -> None:
    invoke("ask", "One")
    assert invoke("ask", "-c", "Two").stdout.endswith('Before that you said: "One".\n')
    invoke("ask", "--conversation", "last", "Three")
    one, two, three = (post.json for post in account.posts)
    assert two["conversation_id"] == three["conversation_id"]
    assert stat.S_IMODE((data_folder / "last_conversation.json").stat().st_mode) == 0o600
    # Both ids were saved, so no other request was necessary, except for the title of the new conversation.
    paths = [r.path for r in account.server.requests[account.first_request :] if "/conversation" in r.path]
    assert sorted(set(paths)) == [
        "/backend-api/conversation",
        f"/backend-api/conversation/gen_title/{two['conversation_id']}",
    ]
    assert len(paths) == 4

    assert "Before that" not in invoke("ask", "Four").stdout
    given = invoke("ask", "--conversation", two["conversation_id"], "Five")
    assert given.stdout.endswith('Before that you said: "Three".\n')


def test_ask_unknown_conversation_is_an_error(invoke: Invoke, account: Account) -> None:
    assert invoke("ask", "-c", "Hello").exit_code == 2
    assert invoke("ask", "-c", "--conversation", "an-id", "Hello").exit_code == 2
    result = invoke("ask", "--conversation", "nonsense", "Hello")
    assert result.exit_code == 10
    assert "history list" in result.stderr


def test_ask_unwritable_data_folder_is_ignored(invoke: Invoke, account: Account, data_folder: Path) -> None:
    data_folder.write_text("a file instead of a folder")
    assert invoke("ask", "Hello").exit_code == 0
