"""`history` and `models`: the account's past conversations and its models, as people and as programs read them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
import typer

from chatgpt_browser import History, HistoryMessage
from chatgpt_browser.cli.output import waiting as _waiting
from chatgpt_browser.cli.output.conversation import Format, exported, file_name
from chatgpt_browser.cli.state.last_conversation import complete_id
from chatgpt_browser.testing import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Account, Invoke

THEN = datetime(2023, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
TALK = History(
    "c-1",
    "Bread:\n a talk",
    THEN,
    THEN,
    "m-2",
    (
        HistoryMessage("m-0", "system", ""),
        HistoryMessage("m-1", "user", "How?", THEN, "m-0"),
        HistoryMessage("m-2", "assistant", "Like **this**.\n", None, "m-1"),
    ),
)


@pytest.fixture
def talk(account: Account) -> str:
    """A conversation of two messages."""
    conversation = account.api.get_conversation()
    conversation.send_message("How is bread made?")
    assert conversation.conversation_id
    return conversation.conversation_id


def titles(account: Account) -> dict[str, str | None]:
    return {summary.id: summary.title for summary in account.api.list_conversations(0, 100)}


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_list_is_the_newest_and_no_more_than_asked_for(invoke: Invoke, account: Account, talk: str) -> None:
    other = account.api.get_conversation()
    other.send_message("Another")

    lines = invoke("history", "list", "-n", "2").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == [other.conversation_id, talk]
    assert all(datetime.fromisoformat(line.split("\t")[1]).tzinfo for line in lines)

    told = json.loads(invoke("history", "list", "--json", "--limit", "1").stdout)
    assert [c["id"] for c in told] == [other.conversation_id]
    assert told[0].keys() == {"id", "title", "create_time", "update_time"}


def test_list_all_reads_every_page(
    invoke: Invoke, account: Account, talk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.api.send_message("Another")
    monkeypatch.setattr("chatgpt_browser.cli.output.conversation_list.PAGE", 1)
    lines = invoke("history", "list", "--all").stdout.splitlines()
    assert {line.split("\t")[0] for line in lines} == set(account.server.conversations)


def test_show_is_markdown_or_json(invoke: Invoke, talk: str) -> None:
    text = invoke("history", "show", talk).stdout
    assert "## You\n\nHow is bread made?\n\n## ChatGPT\n\nYou said:" in text
    told = json.loads(invoke("history", "show", talk, "--json").stdout)
    assert [message["role"] for message in told["messages"]][-2:] == ["user", "assistant"]
    assert told["current_node"] == told["messages"][-1]["id"]


def test_last_is_the_one_that_was_asked_last(invoke: Invoke, account: Account) -> None:
    assert invoke("history", "show", "last").exit_code == 2
    invoke("ask", "Hello")
    assert "Hello" in invoke("history", "show", "last").stdout


@pytest.mark.parametrize("command", [["show"], ["rename"], ["delete", "--yes"], ["export"]])
def test_what_is_not_there_is_10(invoke: Invoke, account: Account, command: list[str]) -> None:
    title = ["title"] if command == ["rename"] else []
    result = invoke("history", *command, "nonsense", *title)
    assert result.exit_code == 10
    assert "history list" in result.stderr


def test_errors_as_json(invoke: Invoke, account: Account) -> None:
    error = json.loads(invoke("history", "show", "nonsense", "--json").stdout)["error"]
    assert error["type"] == "ConversationNotFoundError"


# ---- changing --------------------------------------------------------------------------------------------------------


def test_rename_to_a_title_and_to_the_sites_own(invoke: Invoke, account: Account, talk: str) -> None:
    assert "Bread" in invoke("history", "rename", talk, "Bread").stderr
    assert titles(account)[talk] == "Bread"
    invoke("history", "rename", talk)
    assert titles(account)[talk] == "How is bread made?"


def test_delete_asks_where_somebody_can_answer(invoke: Invoke, account: Account, talk: str) -> None:
    result = invoke("history", "delete", talk)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert talk in titles(account)

    assert invoke("history", "delete", talk, "--yes").exit_code == 0
    assert talk not in titles(account)


@pytest.mark.parametrize(("answer", "kept"), [(False, True), (True, False)])
def test_delete_heeds_the_answer(
    invoke: Invoke, account: Account, talk: str, answer: bool, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return answer

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("chatgpt_browser.cli.history.command.can_be_asked", lambda: True)
    assert invoke("history", "delete", talk).exit_code == 0
    assert (talk in titles(account)) is kept
    assert talk in asked[0]


@pytest.mark.parametrize("error", [typer.Abort, KeyboardInterrupt])
def test_ctrl_c_where_it_is_asked_keeps_all(
    invoke: Invoke, account: Account, talk: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirm(_: str, **__: object) -> bool:
        raise error

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("chatgpt_browser.cli.history.command.can_be_asked", lambda: True)
    assert invoke("history", "delete", talk).exit_code == 130
    assert talk in titles(account)


def test_deleted_is_no_longer_the_last(invoke: Invoke, account: Account) -> None:
    invoke("ask", "Hello")
    assert invoke("history", "delete", "last", "--yes").exit_code == 0
    assert invoke("ask", "-c", "Hello").exit_code == 2


# ---- exporting -------------------------------------------------------------------------------------------------------


def test_markdown() -> None:
    text = exported(TALK, Format.markdown)
    assert text.startswith("# Bread: a talk\n\n- Conversation: `c-1`\n- Begun: 20")
    assert text.endswith("\n\n## You\n\nHow?\n\n## ChatGPT\n\nLike **this**.\n")


def test_json() -> None:
    told = json.loads(exported(TALK, Format.json))
    assert told["create_time"] == "2023-01-02T03:04:05+00:00"
    assert told["messages"][1] == {
        "id": "m-1",
        "parent_message_id": "m-0",
        "role": "user",
        "create_time": "2023-01-02T03:04:05+00:00",
        "text": "How?",
    }


@pytest.mark.parametrize(
    ("conversation_id", "title", "created", "name"),
    [
        ("c-1", "Bread: a talk / 50%", THEN, "2023-01-02-bread-a-talk-50-c-1.md"),
        ("c-1", "Größe 世界", None, "größe-世界-c-1.md"),
        ("../../etc", None, None, "______etc.md"),
        ("c-1", "x" * 300, None, "x" * 50 + "-c-1.md"),
        ("c-1", "...", None, "c-1.md"),
    ],
)
def test_file_names(conversation_id: str, title: str | None, created: datetime | None, name: str) -> None:
    assert file_name(conversation_id, title, created, Format.markdown) == name


def test_export_one_to_standard_output(invoke: Invoke, talk: str) -> None:
    assert invoke("history", "export", talk).stdout == invoke("history", "show", talk).stdout
    assert json.loads(invoke("history", "export", talk, "--format", "json").stdout)["conversation_id"] == talk


def test_export_all_and_again_what_has_changed(
    invoke: Invoke, account: Account, talk: str, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    total = len(titles(account))
    assert f"{total} of {total} written" in invoke("history", "export", "--all", "-o", str(folder)).stderr
    assert len(list(folder.glob("*.md"))) == total
    [file] = folder.glob(f"*{talk}.md")
    assert "How is bread made?" in file.read_text("utf-8")

    assert "0 of 0 written" in invoke("history", "export", "--all", "-o", str(folder)).stderr
    file.unlink()
    assert "1 of 1 written" in invoke("history", "export", "--all", "-o", str(folder)).stderr


def test_export_that_breaks_off_tells_how_far_it_came(
    invoke: Invoke, account: Account, talk: str, tmp_path: Path
) -> None:
    account.server.script_path(
        f"/conversation/{talk}", Answer(429, {"detail": "Too many requests in 1 hour."})
    )
    result = invoke("history", "export", talk, talk, "-o", str(tmp_path))
    assert result.exit_code == 6
    assert "0 of 2 written" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["a", "--all"], ["a", "b"], ["--all"]])
def test_export_wants_to_know_what_and_where(invoke: Invoke, account: Account, arguments: list[str]) -> None:
    assert invoke("history", "export", *arguments).exit_code == 2


def test_export_to_where_it_cannot_be(invoke: Invoke, talk: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("history", "export", talk, "-o", str(tmp_path / "file" / "folder"))
    assert result.exit_code == 2
    assert "cannot write" in result.stderr


# ---- models, completion, waits ---------------------------------------------------------------------------------------


def test_models(invoke: Invoke, account: Account) -> None:
    assert invoke("models").stdout.startswith("text-davinci-002-render\tTurbo (Default)\t4097\n")
    told = json.loads(invoke("models", "--json").stdout)
    assert told[0] == {"slug": "text-davinci-002-render", "title": "Turbo (Default)", "max_tokens": 4097}


def test_ids_complete_without_the_site() -> None:
    assert complete_id("") == complete_id("la") == ["last"]
    assert complete_id("6f1c") == []


def test_a_long_wait_says_for_what_and_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_waiting, "perf_counter", iter([0.0, 1.0, 12.4, 12.4]).__next__)
    wait = _waiting.Wait("the reply", "starting the browser")
    assert wait.__rich__().plain == "starting the browser"
    assert wait.__rich__().plain == "starting the browser · 12 s"
    wait.step = None
    assert re.match("waiting for the reply", wait.__rich__().plain)
