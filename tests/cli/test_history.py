"""`history` and `models`: their output for users and for programs."""

from __future__ import annotations

import itertools
import json
import os
import re
import unicodedata
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import typer

from chatgpt_browser import History, HistoryMessage, RateLimitError
from chatgpt_browser.cli.history.rate_limit_waits import RateLimitWaits
from chatgpt_browser.cli.output import wait_spinner as wait_spinner_module
from chatgpt_browser.cli.output.conversation_formats import Format, file_name, format_conversation
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
        "hidden": False,
        "recipient": None,
        "citations": [],
        "files": [],
        "thoughts": [],
        "tool_calls": [],
    }


UUID = "6f1c6c4e-0c1b-4f7e-9d5c-2f1f3e1a7b10"


@pytest.mark.parametrize(
    ("title", "created", "name"),
    [
        ("Bread: a talk / 50%", CREATED, "2023-01-02-bread-a-talk-50"),
        ("Größe 世界", None, "größe-世界"),
        ("x" * 300, None, "x" * 50),
        ("...", None, ""),
    ],
)
def test_file_name_is_valid_and_readable(title: str, created: datetime | None, name: str) -> None:
    assert file_name(UUID, title, created, Format.markdown) == f"{name}-{UUID}.md".lstrip("-")


#: Ids that a file system, or a careless file name, could confuse with each other or with another conversation's title.
SIMILAR_IDS = [
    *(
        "",
        ".",
        "..",
        "../../etc",
        "______etc",
        "etc",
        "a/b",
        "a\\b",
        "a:b",
        "a?b",
        "a_b",
        "a b",
        "a-b",
        "A-b",
        "a\x00b",
    ),
    *(
        "CON",
        "con",
        "nul",
        "COM1",
        "\ud800",
        "\ud801",
        "\ufffd",
        "é",
        "e\u0301",
        "x" * 300,
        "x" * 301,
        "界" * 300,
        "-",
        "--",
        "b",
    ),
    *(UUID, UUID.upper(), f"a-{UUID}", UUID.replace("-", "_")),
]


def test_file_name_of_different_ids_differs_on_every_file_system() -> None:
    titles = (None, "a", "a-b", "b", "con", "界" * 60, "\ud800", f"a {UUID}")
    names = [
        [
            unicodedata.normalize("NFD", file_name(each, title, created, Format.json)).casefold()
            for each in SIMILAR_IDS
        ]
        for title, created in itertools.product(titles, (None, CREATED))
    ]
    ids_by_name: dict[str, set[str]] = {}
    for row in names:
        for name, each in zip(row, SIMILAR_IDS, strict=True):
            ids_by_name.setdefault(name, set()).add(each)
            assert len(name.encode()) < 250
            assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
            assert name.split(".")[0] not in ("con", "nul", "com1", "")
    assert [each for each in ids_by_name.values() if len(each) > 1] == []


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


def test_history_export_short_rate_limit_is_waited_for(
    invoke: Invoke, account: Account, conversation_id: str, tmp_path: Path
) -> None:
    limit = Answer(429, {"detail": "Slow down."}, headers=[("retry-after", "0.1")])
    account.server.script_path(f"/conversation/{conversation_id}", limit)
    result = invoke("history", "export", conversation_id, conversation_id, "-o", str(tmp_path))
    assert result.exit_code == 0
    assert "the site limits how often conversations are read" in result.stderr
    assert "2 of 2 written" in result.stderr


def test_rate_limit_waits_total_is_limited() -> None:
    slept: list[float] = []

    def refuse() -> None:
        raise RateLimitError("Slow down.", retry_after=700)

    with pytest.raises(RateLimitError):
        RateLimitWaits(slept.append).read(refuse)
    assert slept == [700, 700]


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


def serve_conversations(account: Account, entries: list[dict[str, Any]]) -> None:
    """Let the next list of conversations consist of these entries. Each id leads to the same short conversation."""
    account.server.script_path("/backend-api/conversations", Answer(200, {"items": entries, "cursor": "end"}))
    account.server.script_path("/backend-api/conversations", Answer(200, {"items": []}))
    message = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["half: \ud800"]}}
    stored = {"mapping": {"m": {"message": message}}, "current_node": "m"}
    for each in entries:
        path = f"/conversation/{each['id'].encode('utf-8', 'replace').decode()}"
        account.server.script_path(path, Answer(200, stored | {"title": each.get("title")}))


def test_history_export_all_with_bad_entries_writes_the_others(
    invoke: Invoke, account: Account, tmp_path: Path
) -> None:
    good: list[dict[str, Any]] = [
        {"id": "x" * 300, "title": "long id"},
        {"id": "CON", "title": ""},
        {"id": "a_b", "title": "half \ud800"},
        {"id": "a:b", "title": "half"},
        {"id": "late", "title": "late", "update_time": "9999-12-31T23:59:59-14:00", "create_time": 1e300},
        {"id": "early", "title": "early", "update_time": "0001-01-01T00:00:00+14:00"},
    ]
    bad: list[dict[str, Any]] = [{"id": ".."}, {"id": ""}, {"id": "half \ud800"}, {"id": "."}]
    serve_conversations(account, [each for pair in itertools.zip_longest(good, bad) for each in pair if each])
    result = invoke("history", "export", "--all", "-o", str(tmp_path / "out"))
    assert "6 of 10 written" in result.stderr
    assert result.stderr.count("not written: ") == 4
    assert result.exit_code == 1
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 6
    assert all("half: \ufffd" in file.read_text("utf-8") for file in files)


def test_history_export_after_rename_replaces_the_file(
    invoke: Invoke, account: Account, conversation_id: str, tmp_path: Path
) -> None:
    for form in ("markdown", "json"):
        invoke("history", "export", "--all", "-o", str(tmp_path), "--format", form)
    notes = tmp_path / f"my-notes-{conversation_id}.md"
    notes.write_text("Mine.")
    account.api.rename_conversation(conversation_id, "Rolls")
    account.api.get_conversation(conversation_id=conversation_id).send_message("And rolls?")
    for form in ("markdown", "json"):
        assert (
            "1 of 1 written"
            in invoke("history", "export", "--all", "-o", str(tmp_path), "--format", form).stderr
        )

    names = sorted(file.name for file in tmp_path.glob(f"*{conversation_id}*") if file != notes)
    assert [re.sub(r"^[\d-]+", "", name) for name in names] == [
        f"rolls-{conversation_id}{end}" for end in (".json", ".md")
    ]
    assert notes.read_text() == "Mine."


@pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and modes of POSIX")
def test_history_export_follows_no_link_and_opens_no_fifo(
    invoke: Invoke, account: Account, conversation_id: str, tmp_path: Path
) -> None:
    folder, victim = tmp_path / "out", tmp_path / "victim"
    invoke("history", "export", conversation_id, "-o", str(folder))
    [file] = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    victim.write_text("precious")

    file.unlink()
    file.symlink_to(victim)
    assert invoke("history", "export", conversation_id, "-o", str(folder)).exit_code == 0
    assert not file.is_symlink() and "How is bread made?" in file.read_text("utf-8")
    assert victim.read_text() == "precious"

    file.unlink()
    os.mkfifo(file)
    other = account.api.get_conversation()
    other.send_message("Another")
    assert other.conversation_id
    result = invoke("history", "export", conversation_id, other.conversation_id, "-o", str(folder))
    assert result.exit_code == 1
    assert "1 of 2 written" in result.stderr
    assert "not a regular file" in result.stderr


def test_history_export_of_a_site_that_is_down_ends(invoke: Invoke, account: Account, tmp_path: Path) -> None:
    entries = [{"id": f"down-{number}"} for number in range(30)]
    account.server.script_path("/backend-api/conversations", Answer(200, {"items": entries, "cursor": "end"}))
    account.server.script_path("/backend-api/conversations", Answer(200, {"items": []}))
    result = invoke("history", "export", "--all", "-o", str(tmp_path / "out"))
    assert result.exit_code == 10
    assert result.stderr.count("not written: ") == 9


# ---- models, completion, spinner -------------------------------------------------------------------------------------


def test_models_writes_table_or_json(invoke: Invoke, account: Account) -> None:
    assert invoke("models").stdout.startswith("text-davinci-002-render\tTurbo (Default)\t4097\n")
    content = json.loads(invoke("models", "--json").stdout)
    assert content[0] == {"slug": "text-davinci-002-render", "title": "Turbo (Default)", "max_tokens": 4097}


def test_wait_spinner_long_wait_shows_elapsed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_spinner_module, "perf_counter", iter([0.0, 1.0, 12.4, 12.4]).__next__)
    spinner = wait_spinner_module.WaitSpinner("the reply", "starting the browser")
    assert spinner.__rich__().plain == "starting the browser"
    assert spinner.__rich__().plain == "starting the browser · 12 s"
    spinner.step = None
    assert re.match("waiting for the reply", spinner.__rich__().plain)
