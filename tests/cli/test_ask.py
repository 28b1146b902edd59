"""`chatgpt-browser ask`: what is asked, where the reply goes, how it ends."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import typer

from chatgpt_browser.cli import ask as ask_module
from chatgpt_browser.cli._question import whole_question
from chatgpt_browser.cli._reply import write_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import FakeChatGPT

    from .conftest import Invoke

ask: Any = ask_module


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_reply_goes_to_standard_output_and_nothing_else(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("ask", "Hello from the command line")
    assert result.exit_code == 0
    assert result.stdout == 'You said: "Hello from the command line".\n'
    assert result.stderr == ""


def test_verbose_logs_to_standard_error(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("ask", "Hello", "-vv")
    assert result.stdout == 'You said: "Hello".\n'
    assert "browser up" in result.stderr
    assert signed_in.session_token not in result.stderr


def test_no_token_is_3_and_says_which_variable(invoke: Invoke) -> None:
    result = invoke("ask", "Hello")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "ChatGPT invalid session token" in result.stderr
    assert "CHATGPT_SESSION_TOKEN" in result.stderr


def test_dead_session_is_4(invoke: Invoke, signed_in: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "somebody-elses-token")
    result = invoke("ask", "Hello")
    assert result.exit_code == 4
    assert "somebody-elses-token" not in result.stderr


def test_timeout_is_7(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("ask", "Hello", "--timeout", "0.001")
    assert result.exit_code == 7
    assert "timed out" in result.stderr


@pytest.mark.parametrize("arguments", [["ask"], ["ask", ""], ["ask", "Hello", "--timeout", "-1"]])
def test_misuse_is_2(invoke: Invoke, arguments: list[str]) -> None:
    assert invoke(*arguments).exit_code == 2


def test_base_url_that_makes_no_sense_is_2(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "chat.example/api")
    result = invoke("ask", "Hello")
    assert result.exit_code == 2
    assert "api_base_url" in result.stderr


def test_options_reach_the_client(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
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

    monkeypatch.setattr(ask, "client_from_environment", Client)
    result = invoke("ask", "Is it?", "--timeout", "2.5", "--plain-text", "--headed")
    assert result.stdout == "yes\n"
    assert given == {
        "message": "Is it?",
        "timeout_ms": timedelta(seconds=2.5),
        "markdown": False,
        "headless": False,
    }


class Stream(list[str]):
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
def test_question_is_argument_and_pipe(
    argument: str | None, piped: str, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "piped_in", lambda: piped)
    assert whole_question(argument) == question


def test_question_that_is_not_utf8(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    path = tmp_path / "question"
    path.write_bytes(b"caf\xe9")
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        with pytest.raises(typer.BadParameter, match="UTF-8"):
            whole_question(None)


def test_closed_standard_input_is_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert whole_question("Why?") == "Why?"


@pytest.mark.parametrize(("stream", "written"), [(Terminal(), "a[2Jb\n"), (io.StringIO(), "a\x1b[2Jb\n")])
def test_reply_does_not_command_a_terminal(
    stream: io.StringIO, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", stream)
    write_reply(["a\x1b[2J", "b"])
    assert stream.getvalue() == written


def test_broken_reply_still_ends_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    def pieces() -> Iterator[str]:
        yield "half a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_reply(pieces())

    assert capsys.readouterr().out == "half a\n"


@pytest.mark.parametrize("text", ["one\n", ""])
def test_line_that_has_ended_is_not_ended_twice(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_reply([text])
    assert capsys.readouterr().out == text
