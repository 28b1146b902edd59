"""`history` and `models`: their output for users and for programs."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
import typer

from chatgpt_browser import History, HistoryMessage
from chatgpt_browser.cli.output import wait_spinner as wait_spinner_module
from chatgpt_browser.cli.output.conversation_formats import Format, file_name, format_conversation
from chatgpt_browser.cli.shared_options import complete_conversation_id
from chatgpt_browser.testing import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli_fixtures import Account, Invoke

CREATED = datetime(2023, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
CONVERSATION = History(
    "c-1",
    "Bread:\n a talk",
    CREATED,
    CREATED,
    "m-2",
    (
        HistoryMessage("m-0", "system", ""),
        HistoryMessage("m-1", "user", "How?", CREATED, "m-0"),
        HistoryMessage("m-2", "assistant", "Like **this**.\n", None, "m-1"),
    ),
)


@pytest.fixture
def conversation_id(account: Account) -> str:
    """Return the id of a new conversation with two messages."""
    conversation = account.api.get_conversation()
    conversation.send_message("How is bread made?")
    assert conversation.conversation_id
    return conversation.conversation_id


def titles(account: Account) -> dict[str, str | None]:
    return {summary.id: summary.title for summary in account.api.list_conversations(0, 100)}


# ---- list and show ---------------------------------------------------------------------------------------------------


def test_history_list_returns_newest_up_to_limit(
    invoke: Invoke, account: Account, conversation_id: str
) -> None:
    other = account.api.get_conversation()
    other.send_message("Another")

    lines = invoke("history", "list", "-n", "2").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [other.conversation_id, conversation_id]
    assert all(datetime.fromisoformat(line.split("\t")[1]).tzinfo for line in lines)

    content = json.loads(invoke("history", "list", "--json", "--limit", "1").stdout)
    assert [c["id"] for c in content] == [other.conversation_id]
    assert content[0].keys() == {"id", "title", "create_time", "update_time"}


def test_history_list_all_reads_every_page(
    invoke: Invoke, account: Account, conversation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.api.send_message("Another")
    monkeypatch.setattr("chatgpt_browser.cli.output.conversation_list.PAGE_SIZE", 1)
    lines = invoke("history", "list", "--all").stdout.splitlines()
    assert {line.split("\t")[0] for line in lines} == set(account.server.conversations)


def test_history_show_writes_markdown_or_json(invoke: Invoke, conversation_id: str) -> None:
    text = invoke("history", "show", conversation_id).stdout
    assert "## You\n\nHow is bread made?\n\n## ChatGPT\n\nYou said:" in text
    content = json.loads(invoke("history", "show", conversation_id, "--json").stdout)
    assert [message["role"] for message in content["messages"]][-2:] == ["user", "assistant"]
    assert content["current_node"] == content["messages"][-1]["id"]


def test_history_show_last_is_the_last_conversation(invoke: Invoke, account: Account) -> None:
    assert invoke("history", "show", "last").exit_code == 2
    invoke("ask", "Hello")
    assert "Hello" in invoke("history", "show", "last").stdout


@pytest.mark.parametrize("command", [["show"], ["rename"], ["delete", "--yes"], ["export"]])
def test_history_unknown_conversation_exits_10(invoke: Invoke, account: Account, command: list[str]) -> None:
    title = ["title"] if command == ["rename"] else []
    result = invoke("history", *command, "nonsense", *title)
    assert result.exit_code == 10
    assert "history list" in result.stderr


def test_history_show_json_writes_error(invoke: Invoke, account: Account) -> None:
    error = json.loads(invoke("history", "show", "nonsense", "--json").stdout)["error"]
    assert error["type"] == "ConversationNotFoundError"


# ---- rename and delete -----------------------------------------------------------------------------------------------


def test_history_rename_uses_given_or_generated_title(
    invoke: Invoke, account: Account, conversation_id: str
) -> None:
    assert "Bread" in invoke("history", "rename", conversation_id, "Bread").stderr
    assert titles(account)[conversation_id] == "Bread"
    invoke("history", "rename", conversation_id)
    assert titles(account)[conversation_id] == "How is bread made?"


def test_history_delete_without_terminal_requires_yes(
    invoke: Invoke, account: Account, conversation_id: str
) -> None:
    result = invoke("history", "delete", conversation_id)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert conversation_id in titles(account)

    assert invoke("history", "delete", conversation_id, "--yes").exit_code == 0
    assert conversation_id not in titles(account)


@pytest.mark.parametrize(("answer", "kept"), [(False, True), (True, False)])
def test_history_delete_follows_the_confirmation(
    invoke: Invoke,
    account: Account,
    conversation_id: str,
    answer: bool,
    kept: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return answer

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("chatgpt_browser.cli.history.commands.can_confirm", lambda: True)
    assert invoke("history", "delete", conversation_id).exit_code == 0
    assert (conversation_id in titles(account)) is kept
    assert conversation_id in asked[0]


@pytest.mark.parametrize("error", [typer.Abort, KeyboardInterrupt])
def test_history_delete_interrupted_confirmation_deletes_nothing(
    invoke: Invoke,
    account: Account,
    conversation_id: str,
    error: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def confirm(_: str, **__: object) -> bool:
        raise error

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("chatgpt_browser.cli.history.commands.can_confirm", lambda: True)
    assert invoke("history", "delete", conversation_id).exit_code == 130
    assert conversation_id in titles(account)


def test_history_delete_forgets_last_conversation(invoke: Invoke, account: Account) -> None:
    invoke("ask", "Hello")
    [deleted] = account.api.list_conversations(0, 1)
    assert invoke("history", "delete", "last", "--yes").exit_code == 0
    invoke("ask", "-c", "Hello")
    assert account.posts[-1].json.get("conversation_id") != deleted.id


# ---- export ----------------------------------------------------------------------------------------------------------


def test_format_conversation_as_markdown() -> None:
    text = format_conversation(CONVERSATION, Format.markdown)
    assert text.startswith("# Bread: a talk\n\n- Conversation: `c-1`\n- Created: 20")
    assert text.endswith("\n\n## You\n\nHow?\n\n## ChatGPT\n\nLike **this**.\n")


def test_format_conversation_as_json() -> None:
    content = json.loads(format_conversation(CONVERSATION, Format.json))
    assert content["create_time"] == "2023-01-02T03:04:05+00:00"
    assert content["messages"][1] == {
        "id": "m-1",
        "parent_message_id": "m-0",
        "role": "user",
        "create_time": "2023-01-02T03:04:05+00:00",
        "text": "How?",
    }


@pytest.mark.parametrize(
    ("conversation_id", "title", "created", "name"),
    [
        ("c-1", "Bread: a talk / 50%", CREATED, "2023-01-02-bread-a-talk-50-c-1.md"),
        ("c-1", "Größe 世界", None, "größe-世界-c-1.md"),
        ("../../etc", None, None, "______etc.md"),
        ("c-1", "x" * 300, None, "x" * 50 + "-c-1.md"),
        ("c-1", "...", None, "c-1.md"),
    ],
)
def test_file_name_is_valid_and_readable(
    conversation_id: str, title: str | None, created: datetime | None, name: str
) -> None:
    assert file_name(conversation_id, title, created, Format.markdown) == name


def test_history_export_one_writes_to_stdout(invoke: Invoke, conversation_id: str) -> None:
    assert (
        invoke("history", "export", conversation_id).stdout
        == invoke("history", "show", conversation_id).stdout
    )
    assert (
        json.loads(invoke("history", "export", conversation_id, "--format", "json").stdout)["conversation_id"]
        == conversation_id
    )


def test_history_export_all_again_writes_only_changed(
    invoke: Invoke, account: Account, conversation_id: str, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    total = len(titles(account))
    assert f"{total} of {total} written" in invoke("history", "export", "--all", "-o", str(folder)).stderr
    assert len(list(folder.glob("*.md"))) == total
    [file] = folder.glob(f"*{conversation_id}.md")
    assert "How is bread made?" in file.read_text("utf-8")

    assert "is up to date" in invoke("history", "export", "--all", "-o", str(folder)).stderr
    file.unlink()
    assert "1 of 1 written" in invoke("history", "export", "--all", "-o", str(folder)).stderr


def test_history_export_interrupted_prints_count(
    invoke: Invoke, account: Account, conversation_id: str, tmp_path: Path
) -> None:
    account.server.script_path(
        f"/conversation/{conversation_id}", Answer(429, {"detail": "Too many requests in 1 hour."})
    )
    result = invoke("history", "export", conversation_id, conversation_id, "-o", str(tmp_path))
    assert result.exit_code == 6
    assert "0 of 2 written" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["a", "--all"], ["a", "b"], ["--all"]])
def test_history_export_incomplete_arguments_exit_2(
    invoke: Invoke, account: Account, arguments: list[str]
) -> None:
    assert invoke("history", "export", *arguments).exit_code == 2


def test_history_export_unwritable_folder_exits_2(
    invoke: Invoke, conversation_id: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("history", "export", conversation_id, "-o", str(tmp_path / "file" / "folder"))
    assert result.exit_code == 2
    assert "cannot write the export" in result.stderr


# ---- models, completion, spinner -------------------------------------------------------------------------------------


def test_models_writes_table_or_json(invoke: Invoke, account: Account) -> None:
    assert invoke("models").stdout.startswith("text-davinci-002-render\tTurbo (Default)\t4097\n")
    content = json.loads(invoke("models", "--json").stdout)
    assert content[0] == {"slug": "text-davinci-002-render", "title": "Turbo (Default)", "max_tokens": 4097}


def test_complete_conversation_id_returns_last() -> None:
    assert complete_conversation_id("") == complete_conversation_id("la") == ["last"]
    assert complete_conversation_id("6f1c") == []


def test_wait_spinner_long_wait_shows_elapsed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_spinner_module, "perf_counter", iter([0.0, 1.0, 12.4, 12.4]).__next__)
    spinner = wait_spinner_module.WaitSpinner("the reply", "starting the browser")
    assert spinner.__rich__().plain == "starting the browser"
    assert spinner.__rich__().plain == "starting the browser · 12 s"
    spinner.step = None
    assert re.match("waiting for the reply", spinner.__rich__().plain)
