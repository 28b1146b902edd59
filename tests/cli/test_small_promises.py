"""Small promises of the command line: arguments, standard input, ids, titles, limits and tallies."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
import typer

from chatgpt_browser import (
    ChatGPTTimeoutError,
    ConversationSummary,
    InvalidSessionTokenError,
    StreamInterruptedError,
)
from chatgpt_browser.cli.batch.command import failures_by_error
from chatgpt_browser.cli.batch.result_file import Outcome
from chatgpt_browser.cli.exit_codes import describe_error
from chatgpt_browser.cli.input.question import build_question
from chatgpt_browser.cli.state.conversation_lookup import find_conversation_id, remember_list

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser import ChatGPTAPI
    from tests.support.cli_fixtures import Account, Invoke


@pytest.fixture
def conversation_id(account: Account) -> str:
    """Return the id of a new conversation with two messages and no title."""
    conversation = account.api.get_conversation()
    conversation.send_message(
        "How is bread made without any yeast at all, and does it keep for a week in summer?"
    )
    assert conversation.conversation_id
    return conversation.conversation_id


# ---- arguments -------------------------------------------------------------------------------------------------------


def test_ask_several_words_are_joined(invoke: Invoke, account: Account) -> None:
    assert invoke("ask", "Why", "is", "the", "sky", "blue").stdout == 'You said: "Why is the sky blue".\n'


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["ask", "caf\udce9"], "MESSAGE"),
        (["ask", "--conversation", "c\udce9", "Hello"], "--conversation"),
        (["ask", "--model", "c\udce9", "Hello"], "--model"),
        (["history", "show", "c\udce9"], "ID"),
        (["history", "rename", "last", "c\udce9"], "TITLE"),
        (["smoke", "--expect", "c\udce9"], "--expect"),
    ],
)
def test_command_argument_not_utf8_is_usage_error(
    invoke: Invoke, account: Account, arguments: list[str], name: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert name in result.stderr
    assert "is not valid UTF-8" in result.stderr


@pytest.mark.parametrize("data", [b"\x00", b"ELF\x01", b"a\x1b[2J", b"\x7f", "\x9b".encode(), b"\xff\xfe"])
def test_ask_file_with_control_bytes_is_usage_error(
    invoke: Invoke, account: Account, tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "binary.bin"
    path.write_bytes(b"text\n" + data)
    result = invoke("ask", "-f", str(path), "Explain")
    assert result.exit_code == 2
    assert "--file" in result.stderr
    assert account.posts == []


def test_ask_file_with_ordinary_white_space_is_sent(invoke: Invoke, account: Account, tmp_path: Path) -> None:
    path = tmp_path / "page.c"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\ttwo\n\x0cthree\n")
    assert invoke("ask", "-f", str(path)).exit_code == 0
    [post] = account.posts
    assert "one\n\ttwo\n\x0cthree\n" in post.json["messages"][0]["content"]["parts"][0]


def test_build_question_control_character_in_argument_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match=r"MESSAGE contains the control character U\+001B in line 2"):
        build_question("a\n\x1b", (), lambda: "")


@pytest.mark.parametrize("line", ['{"prompt": "a\\u0000"}', '{"prompt": "\\ud800"}', "\x1b[31m"])
def test_batch_prompt_with_control_character_is_usage_error(
    invoke: Invoke, tmp_path: Path, line: str
) -> None:
    prompts = tmp_path / "prompts.jsonl" if line.startswith("{") else tmp_path / "prompts.txt"
    prompts.write_text(f"{line}\n")
    result = invoke("batch", str(prompts), "-o", str(tmp_path / "out.jsonl"))
    assert result.exit_code == 2
    assert "line 1" in result.stderr


def test_usage_error_is_lines_without_frame(invoke: Invoke) -> None:
    result = invoke("ask", "--nonsense", "Hello")
    assert result.exit_code == 2
    assert "error: No such option" in result.stderr
    assert not set(result.stderr) & set("│╭╰")


@pytest.mark.parametrize("command", ["ask", "chat", "batch", "doctor", "smoke", "history list", "history"])
def test_help_has_no_type_names_and_no_broken_sentence(invoke: Invoke, command: str) -> None:
    text = invoke(*command.split(), "--help").stdout
    for name in ("<bool>", "<int>", "<str>", "<path>", "list[str]", "range"):
        assert name not in text
    description = text.split("Examples:")[0]
    assert not re.search(r"[a-z,]\s*\n\n", description), description
    assert "Examples:" in text


@pytest.mark.parametrize("command", ["ask", "batch", "doctor", "history export"])
def test_help_of_narrow_terminal_keeps_each_example_on_one_line(
    command: str, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    narrow = invoke(*command.split(), "--help").stdout
    monkeypatch.setenv("COLUMNS", "200")
    wide = invoke(*command.split(), "--help").stdout

    def examples(page: str) -> list[str]:
        return re.split(r"\n(?=\w)", page.partition("Examples:")[2])[0].split("\n\n")

    assert examples(narrow) == examples(wide)


# ---- ids -------------------------------------------------------------------------------------------------------------


def test_history_show_accepts_number_and_start_of_id(
    invoke: Invoke, account: Account, conversation_id: str
) -> None:
    assert invoke("history", "list").exit_code == 0
    account.api.send_message("A newer conversation")  # the numbers are those of the list that was shown
    for name in ("1", conversation_id[:8], conversation_id):
        assert "bread made" in invoke("history", "show", name).stdout


def test_ask_conversation_accepts_number(invoke: Invoke, account: Account, conversation_id: str) -> None:
    assert invoke("ask", "--conversation", "1", "And rolls?").exit_code == 0
    assert account.posts[-1].json["conversation_id"] == conversation_id


def test_find_conversation_id_ambiguous_or_missing_is_usage_error(account: Account) -> None:
    remember_list([ConversationSummary("abcd-1"), ConversationSummary("abcd-2")])
    for name, message in (("abcd", "several ids"), ("3", "there is no number 3"), ("", "must not be empty")):
        with pytest.raises(typer.BadParameter, match=message):
            find_conversation_id(account.api, name)
    assert find_conversation_id(account.api, "abcd-2") == "abcd-2"
    assert find_conversation_id(account.api, "nonsense") == "nonsense"


def test_history_last_after_delete_is_the_newest(
    invoke: Invoke, account: Account, conversation_id: str
) -> None:
    invoke("ask", "Something else")
    assert invoke("history", "delete", "last", "--yes").exit_code == 0
    assert "bread made" in invoke("history", "show", "last").stdout
    assert invoke("ask", "-c", "And rolls?").exit_code == 0
    assert account.posts[-1].json["conversation_id"] == conversation_id


# ---- titles and exports ----------------------------------------------------------------------------------------------


def test_ask_new_conversation_gets_a_title(invoke: Invoke, account: Account) -> None:
    invoke("ask", "How are bagels made?")
    [newest] = account.api.list_conversations(0, 1)
    assert newest.title == "How are bagels made?"


def test_history_list_untitled_conversation_shows_first_words(
    invoke: Invoke, account: Account, conversation_id: str
) -> None:
    line = invoke("history", "list", "-n", "1").stdout
    assert "New chat" not in line
    assert line.rstrip("\n").endswith("How is bread made without any yeast at all, and does it…")


@pytest.mark.parametrize(("name", "start"), [("talk.md", "# "), ("talk.json", "{")])
def test_history_export_to_file_name_writes_a_file(
    invoke: Invoke, conversation_id: str, tmp_path: Path, name: str, start: str
) -> None:
    path = tmp_path / name
    result = invoke("history", "export", conversation_id, "-o", str(path))
    assert result.exit_code == 0
    assert path.read_text("utf-8").startswith(start)


# ---- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, "", " "])
def test_ask_without_token_says_no_session_token(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("CHATGPT_SESSION_TOKEN", value)
    result = invoke("ask", "Hello")
    assert result.exit_code == 3
    assert "no session token" in result.stderr
    assert "invalid" not in result.stderr


@pytest.mark.parametrize("command", [["login"], ["ask", "--headed", "Hello"]])
def test_command_without_display_names_the_remedy(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    result = invoke(*command)
    assert result.exit_code == 8
    assert "xvfb-run" in result.stderr.replace("\n", " ")


def test_ask_timeout_names_limit_and_value(account: Account, invoke: Invoke) -> None:
    result = invoke("ask", "Hello", "--timeout", "0.001")
    assert result.exit_code == 7
    assert "(limit: 0.001 s, timeout_ms, here --timeout)" in result.stderr
    error = json.loads(invoke("ask", "Hello", "--timeout", "0.001", "--json").stdout)["error"]
    assert (error["limit"], error["seconds"]) == ("timeout_ms", 0.001)


def test_describe_error_without_limit_is_the_message() -> None:
    assert describe_error(ChatGPTTimeoutError("late")) == "late"
    error = ChatGPTTimeoutError("late", limit="idle_timeout", seconds=60)
    assert describe_error(error) == "late (limit: 60 s, idle_timeout)"


def test_failures_by_error_counts_each_class() -> None:
    from chatgpt_browser import BatchMessage

    kinds = ["StreamInterruptedError", "RateLimitError", "StreamInterruptedError", ""]
    outcomes = {str(i): Outcome("p", False, None, None, error_type=kind) for i, kind in enumerate(kinds)}
    outcomes["4"] = Outcome("p", True, "c", "m")
    messages = [BatchMessage("p", id=str(i)) for i in range(5)]
    assert failures_by_error(messages, outcomes) == {
        "StreamInterruptedError": 2,
        "RateLimitError": 1,
        "unknown error": 1,
    }


def test_error_in_notebook_hides_our_frames_and_shows_the_cause() -> None:
    api = _closed_client()
    try:
        try:
            raise ValueError("the cause\nwith details")
        except ValueError as cause:
            raise StreamInterruptedError("broken") from cause
    except StreamInterruptedError as error:
        lines = error._render_traceback_()
    assert lines[-2:] == ["StreamInterruptedError: broken", "Caused by ValueError: the cause"]
    try:
        api.send_message("Hello")
    except Exception as error:
        lines = error._render_traceback_()  # type: ignore[attr-defined]
    assert f'File "{__file__}"' in lines[1]
    assert not any(os.path.join("chatgpt_browser", "_client") in line for line in lines)
    assert len(lines) < 8


def _closed_client() -> ChatGPTAPI:
    from chatgpt_browser import ChatGPTAPI

    api = ChatGPTAPI("a-token")
    api.close()
    return api


def test_invalid_session_token_message_stays_that_of_the_npm_package() -> None:
    assert str(InvalidSessionTokenError()) == "ChatGPT invalid session token"
