"""`chat`: the effect of each line, in this process. Tests on a real terminal are in test_terminal.py."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from chatgpt_browser import AbortError
from chatgpt_browser.cli.chat.chat_session import ChatSession, aborted_by_ctrl_c
from chatgpt_browser.cli.chat.prompt import SlashCommandCompleter, create_prompt
from chatgpt_browser.cli.chat.slash_commands import SLASH_COMMANDS
from chatgpt_browser.cli.state.data_folder import DataFolder
from chatgpt_browser.cli.state.last_conversation import load_position
from chatgpt_browser.testing import Answer, Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli_fixtures import Account, Invoke


@pytest.fixture
def chat(account: Account) -> ChatSession:
    return ChatSession(account.api)


def messages(account: Account) -> list[tuple[str, str | None, str]]:
    """Return the sent messages of this test: text, conversation id and parent message id."""
    return [
        (
            post.json["messages"][0]["content"]["parts"][0],
            post.json.get("conversation_id"),
            post.json["parent_message_id"],
        )
        for post in account.posts
    ]


def test_chat_new_starts_a_new_conversation(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ("One", "Two", "/new", "Three"):
        chat.handle(line)

    one, two, three = messages(account)
    assert [one[0], two[0], three[0]] == ["One", "Two", "Three"]
    assert one[1] is None is three[1]
    assert two[1] is not None
    stdout, stderr = capsys.readouterr()
    assert (
        stdout
        == 'You said: "One".\n\nYou said: "Two". Before that you said: "One".\n\nYou said: "Three".\n\n'
    )
    assert stderr == "New conversation.\n"


def test_chat_retry_replaces_the_last_reply(chat: ChatSession, account: Account) -> None:
    for line in ("One", "Two", "/retry", "Three"):
        chat.handle(line)

    one, two, again, three = messages(account)
    assert again == two
    assert three[2] not in (one[2], two[2])

    chat.handle("/new")
    for line in ("Alone", "/retry"):
        chat.handle(line)
    alone, again = messages(account)[-2:]
    assert again[0] == "Alone"
    assert (alone[1], again[1]) == (None, again[1])
    history = account.api.get_history(again[1] or "")
    assert [message.text for message in history.messages if message.role == "user"] == ["Alone"]


def test_chat_retry_after_error_sends_the_failed_message(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.handle("/retry")
    chat.handle("One")
    account.server.script(
        Answer(413, {"detail": {"message": "too long", "code": "message_length_exceeds_limit"}})
    )
    chat.handle("Two")
    chat.handle("/retry")

    one, two, again = messages(account)
    assert two == again
    stdout, stderr = capsys.readouterr()
    assert "no message to send again yet" in stderr
    assert "error: " in stderr
    assert stdout.endswith('You said: "Two". Before that you said: "One".\n\n')


def test_chat_failed_retry_keeps_the_position(chat: ChatSession, account: Account) -> None:
    chat.handle("One")
    chat.handle("Two")
    account.server.script(Answer.server_error())
    chat.handle("/retry")
    chat.handle("Three")

    two, three = messages(account)[1], messages(account)[-1]
    assert three[2] != two[2]


def test_chat_expired_session_prints_hint_and_continues(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    token = account.server.session_token
    account.server.sign_out()
    account.server.expire_access_tokens()
    chat.handle("One")
    stderr = capsys.readouterr().err
    assert "chatgpt-browser login" in stderr
    assert "/quit" in stderr
    assert not chat.is_over

    account.server.sign_in(token)
    chat.handle("/retry")
    assert capsys.readouterr().out == 'You said: "One".\n\n'


def test_chat_open_shows_last_messages_and_continues(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ("One", "Two", "/new", "/open last", "Three"):
        chat.handle(line)

    two, three = messages(account)[1:]
    assert three[1] == two[1]
    stdout = capsys.readouterr().out
    assert "\n> Two\n" in stdout
    assert 'Before that you said: "Two"' in stdout


def test_chat_open_without_id_lists_conversations(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.handle("One")
    chat.handle("/open")
    conversation_id = account.posts[0].json.get("conversation_id") or load_position(
        DataFolder.current(), account.server.origin
    )
    assert conversation_id
    assert re.search(rf"^{conversation_id[0]}\t", capsys.readouterr().out, re.MULTILINE)


def test_chat_open_unknown_conversation_prints_error(
    chat: ChatSession, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.handle("/open last")
    chat.handle("/open nonsense")
    stderr = capsys.readouterr().err
    assert "there is no last conversation yet" in stderr
    assert "hint: " in stderr


def test_chat_save_writes_the_conversation(
    chat: ChatSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.handle("One")
    chat.handle(f"/save {tmp_path / 'talk.md'}")
    chat.handle("Two")
    chat.handle(f"/save {tmp_path / 'talk.md'}")
    chat.handle(f"/save {tmp_path / 'talk.json'}")

    text = (tmp_path / "talk.md").read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["You", "ChatGPT"] * 2
    saved = json.loads((tmp_path / "talk.json").read_text("utf-8"))
    assert [message["text"] for message in saved["messages"]][::2] == ["One", "Two"]
    assert saved["conversation_id"]

    (tmp_path / "other").write_text("mine")
    for name in ("", str(tmp_path / "other"), str(tmp_path / "no" / "where")):
        chat.handle(f"/save {name}")
    assert (tmp_path / "other").read_text() == "mine"
    stderr = capsys.readouterr().err
    assert "/save needs a file name" in stderr
    assert "already exists; nothing was written" in stderr
    assert "cannot write" in stderr


def test_chat_model_changes_the_model(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    before = account.api.model
    try:
        for line in ("/model", "/model gpt-4", "One"):
            chat.handle(line)
    finally:
        account.api.model = before

    assert capsys.readouterr().err == f"Model: {before}\nModel: gpt-4\n"
    assert account.posts[0].json["model"] == "gpt-4"


def test_chat_line_that_is_no_command_is_sent(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ("/etc/hosts: what is it?", " /help", "/nothing"):
        chat.handle(line)

    assert [message[0] for message in messages(account)] == ["/etc/hosts: what is it?", " /help"]
    assert "no command /nothing" in capsys.readouterr().err


def test_chat_help_lists_commands_and_quit_ends(
    chat: ChatSession, capsys: pytest.CaptureFixture[str]
) -> None:
    chat.handle("/help")
    stderr = capsys.readouterr().err
    assert all(
        re.search(rf"^{name} .*{re.escape(command.meaning)}$", stderr, re.MULTILINE)
        for name, command in SLASH_COMMANDS.items()
    )
    assert not chat.is_over
    chat.handle("/quit")
    assert chat.is_over


def test_chat_reply_control_characters_are_stripped(
    chat: ChatSession, account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account.server.script(Reply("a\x1b[2Jb"))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    chat.handle("One")
    assert "\x1b[2Jb" not in capsys.readouterr().out


# ---- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_aborted_by_ctrl_c_second_ctrl_c_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with aborted_by_ctrl_c() as abort_signal:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(AbortError):
            abort_signal.throw_if_aborted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is before


# ---- the prompt ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "typed"),
    [
        ("Hello\r", "Hello"),
        ("one\x1b\rtwo\r", "one\ntwo"),
        ("one\ntwo\r", "one\ntwo"),
        ("\x1b[200~one\r\ntwo\r\n\x1b[201~ three\r", "one\ntwo\n three"),
    ],
    ids=["enter", "alt-enter", "ctrl-j", "pasted"],
)
def test_prompt_keys_give_the_typed_text(keys: str, typed: str, tmp_path: Path) -> None:
    with create_pipe_input() as keyboard:
        prompt = create_prompt(DataFolder(tmp_path), input=keyboard, output=DummyOutput())
        keyboard.send_text(keys)
        assert prompt.prompt() == typed


def test_prompt_history_file_is_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    before = os.umask(0)
    try:
        for keys in ("first\r", "\x1b[A\r"):
            with create_pipe_input() as keyboard:
                prompt = create_prompt(folder, input=keyboard, output=DummyOutput())
                keyboard.send_text(keys)
                assert prompt.prompt() == "first"
    finally:
        os.umask(before)

    assert stat.S_IMODE(folder.chat_history.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700


def test_prompt_unwritable_data_folder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with create_pipe_input() as keyboard:
        prompt = create_prompt(DataFolder(tmp_path / "file"), input=keyboard, output=DummyOutput())
        keyboard.send_text("Hello\r")
        assert prompt.prompt() == "Hello"


@pytest.mark.parametrize(
    ("typed", "completions"),
    [
        ("/", list(SLASH_COMMANDS)),
        ("/m", ["/model"]),
        ("hello", []),
        ("/model x", []),
        ("", []),
    ],
)
def test_prompt_completes_slash_commands(typed: str, completions: list[str]) -> None:
    found = SlashCommandCompleter().get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == completions


def test_prompt_completes_save_path(tmp_path: Path) -> None:
    (tmp_path / "talk.md").write_text("")
    found = SlashCommandCompleter().get_completions(Document(f"/save {tmp_path}/ta"), CompleteEvent())
    assert [completion.text for completion in found] == ["lk.md"]


def test_chat_without_terminal_exits_2(invoke: Invoke) -> None:
    result = invoke("chat")
    assert result.exit_code == 2
    assert "chatgpt-browser ask" in result.stderr
