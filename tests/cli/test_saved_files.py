"""The commands save the files of replies."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import History, HistoryMessage
from chatgpt_browser.cli.output.saved_files import ConversationFiles, save_files
from chatgpt_browser.testing import Answer, Reply, SentFile

if TYPE_CHECKING:
    from tests.support.cli_fixtures import Account, Invoke

FILES = (
    SentFile.image("A cat", later=1),
    SentFile.interpreter("a b.csv", b"1,2"),
    SentFile.canvas("Plan", "x"),
)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_ask_save_files_saves_each_file_once(invoke: Invoke, account: Account, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    account.server.script(*[Reply("Here.", files=FILES)] * 2)
    result = invoke("ask", "--save-files", str(folder), "hello")
    assert result.exit_code == 0
    assert names_in(folder) == ["A cat.png", "Plan.md", "a b.csv"]
    assert result.stderr.count("saved") == 3
    assert "saved" not in result.stdout
    again = json.loads(invoke("ask", "--json", "--save-files", str(folder), "hello").stdout)
    assert again["saved_files"] == [
        str(folder / f"{name}") for name in ("A cat (2).png", "Plan (2).md", "a b (2).csv")
    ]
    assert len(names_in(folder)) == 6


def test_save_files_image_of_another_type_keeps_its_suffix_with_a_number(tmp_path: Path) -> None:
    def save(target: str | Path) -> Path:
        path = tmp_path / target
        path = path / "A cat.webp" if path.is_dir() else path
        path.write_bytes(b"")
        return path

    (tmp_path / "A cat.webp").write_bytes(b"mine")
    image: Any = SimpleNamespace(name="A cat.png", save=save)

    assert save_files([image], tmp_path) == [tmp_path / "A cat (2).webp"]
    assert names_in(tmp_path) == ["A cat (2).webp", "A cat.webp"]
    assert (tmp_path / "A cat.webp").read_bytes() == b"mine"


def test_ask_save_files_unreadable_file_exits_with_its_error_after_the_others(
    invoke: Invoke, account: Account, tmp_path: Path
) -> None:
    account.server.script(Reply("Here.", files=[SentFile.image("gone"), SentFile.image("here")]))
    account.server.script_path("/raw", Answer(404), Answer(404))
    result = invoke("ask", "--save-files", str(tmp_path / "out"), "hello")
    assert result.exit_code != 0
    assert result.stdout.strip() == "Here."
    assert "not saved: gone.png" in result.stderr
    assert names_in(tmp_path / "out") == ["here.png"]


def test_ask_save_files_folder_that_is_a_file_exits_2(
    invoke: Invoke, account: Account, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("")
    assert invoke("ask", "--save-files", str(tmp_path / "out"), "hello").exit_code == 2
    assert account.posts == []


@pytest.fixture
def conversation_id(account: Account) -> str:
    """Return the id of a conversation with two replies that have files of the same names."""
    step = Reply("Here: [x](sandbox:/mnt/data/a%20b.csv)", files=FILES)
    account.server.script(step, Reply(has_answer=False, files=[SentFile.image("A cat")]))
    conversation = account.api.get_conversation()
    conversation.ask("draw")
    conversation.ask("again")
    assert conversation.conversation_id is not None
    return conversation.conversation_id


def test_history_export_to_a_file_saves_the_files_beside_it(
    invoke: Invoke, conversation_id: str, tmp_path: Path
) -> None:
    invoke("history", "export", conversation_id, "-o", str(tmp_path / "talk.md"))
    assert names_in(tmp_path / "talk-files") == ["A cat (2).png", "A cat.png", "Plan.md", "a b.csv"]
    text = (tmp_path / "talk.md").read_text()
    assert "[x](talk-files/a%20b.csv)" in text
    assert "- ![A cat.png](talk-files/A%20cat.png)" in text
    assert "- ![A cat.png](talk-files/A%20cat%20%282%29.png)" in text
    assert "sandbox:" not in text


def test_conversation_files_get_the_suffix_of_the_downloaded_image(tmp_path: Path) -> None:
    def save(path: Any, **_: Any) -> Path:
        assert str(path).endswith("/")
        (target := Path(path) / "A cat.webp").write_bytes(b"image")
        return target

    images: list[Any] = [SimpleNamespace(name="A cat.png", kind="image", id="x", save=save) for _ in range(2)]
    message = HistoryMessage("m", "assistant", "Here.", files=tuple(images))
    for _ in range(2):  # A second export replaces the files.
        history = History("c", None, None, None, None, (message,))
        text = ConversationFiles(tmp_path, "talk-files").save(history).messages[0].text
        assert names_in(tmp_path / "talk-files") == ["A cat (2).webp", "A cat.webp"]
    assert "![A cat.png](talk-files/A%20cat.webp)\n- ![A cat.png](talk-files/A%20cat%20%282%29.webp)" in text


def test_history_export_to_a_folder_saves_the_files_again(
    invoke: Invoke, conversation_id: str, tmp_path: Path
) -> None:
    for _ in range(2):
        result = invoke("history", "export", conversation_id, "-o", str(tmp_path / "all"))
        assert "1 of 1 written" in result.stderr
    assert len(names_in(tmp_path / "all" / f"{conversation_id}-files")) == 4


@pytest.mark.parametrize("arguments", [("--no-files",), ("--format", "json")])
def test_history_export_without_files_saves_none(
    invoke: Invoke, conversation_id: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    invoke("history", "export", conversation_id, "-o", str(tmp_path / "all"), *arguments)
    assert [path for path in (tmp_path / "all").iterdir() if path.is_dir()] == []


def test_history_export_unreadable_file_has_no_link(
    invoke: Invoke, account: Account, conversation_id: str, tmp_path: Path
) -> None:
    account.server.script_path("/raw", *[Answer(404)] * 6)
    result = invoke("history", "export", conversation_id, "-o", str(tmp_path / "talk.md"))
    assert result.exit_code == 0
    assert result.stderr.count("not saved") == 3
    assert "- A cat.png (not saved)" in (tmp_path / "talk.md").read_text()
