"""The options of one message on the command line: files, effort, tools, temporary chat and project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer

from chatgpt_browser.cli.chat.message_defaults import MessageDefaults
from chatgpt_browser.testing import FakeChatGPT, UploadOptions
from tests.support.scripted_site import posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke


@pytest.fixture
def server() -> Iterator[FakeChatGPT]:
    """Start a site with a web application, in place of the plain server of all tests."""
    with FakeChatGPT(form="app") as server:
        yield server


def test_ask_options_of_message_are_sent_by_page(
    invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("a.txt", "b.txt")]
    for path in paths:
        path.write_text(path.name)
    files = [argument for path in paths for argument in ("--attach", str(path))]
    options = ["--effort", "max", "--tool", "search", "--project", "g-p-1"]
    result = invoke("ask", "Hello", *files, *options, "--send-via", "page")
    assert result.stdout == 'You said: "Hello".\n'

    (request,) = posts_of(signed_in.requests)
    body = request.json
    assert [item["name"] for item in body["messages"][0]["metadata"]["attachments"]] == ["a.txt", "b.txt"]
    assert (body["thinking_effort"], body["system_hints"]) == ("max", ["search"])
    assert body["conversation_mode"]["gizmo_id"] == "g-p-1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--effort", "max", "--send-via", "fetch"], "--effort cannot be used with --send-via fetch"),
        (["--attach", "/nowhere.txt"], "does not exist"),
        (["--temporary", "--project", "g-p-1"], "--temporary and --project cannot be used together"),
    ],
)
def test_ask_invalid_option_of_message_is_usage_error(
    invoke: Invoke, arguments: list[str], words: str
) -> None:
    result = invoke("ask", "Hello", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.replace("\u2502", " ").split())


def test_ask_refused_file_writes_its_name_as_json(
    invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path
) -> None:
    signed_in.uploads = UploadOptions(remaining=0)
    path = tmp_path / "notes.txt"
    path.write_text("Buy bread.")
    result = invoke("ask", "Hello", "--attach", str(path), "--json")
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["type"], error["file"]) == (14, "UploadError", "notes.txt")
    assert posts_of(signed_in.requests) == []


def test_models_writes_efforts(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    lines = invoke("models").stdout.splitlines()
    assert lines[1].split("\t") == ["gpt-5-6-thinking", "GPT-5.6 Thinking", "196000", "standard extended max"]


def test_message_defaults_files_are_for_one_message_and_project_for_a_new_conversation(
    tmp_path: Path,
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Buy bread.")
    defaults = MessageDefaults({"effort": "max", "project": "g-p-1"})
    assert defaults.attach(str(path)) == "Attached to the next message: notes.txt"
    assert defaults.attach("/nowhere.txt") == "/nowhere.txt is not a file."

    assert defaults.for_message(is_new=True) == {"effort": "max", "project": "g-p-1", "files": [path]}
    defaults.clear_files()
    assert defaults.for_message(is_new=False) == {"effort": "max"}
    defaults.attach(str(path))
    assert defaults.attach("") == "No file is attached to the next message."
    assert defaults.for_message(is_new=False) == {"effort": "max"}
    assert defaults.attach(f"'{path}' ") == "Attached to the next message: notes.txt"


@pytest.mark.parametrize(
    "dropped", [r"it\'s\ here.txt", r"'it'\''s here.txt'", "it's here.txt", '"it\'s here.txt"']
)
def test_attach_accepts_the_quoting_of_a_terminal(
    dropped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it's here.txt").write_text("notes")
    assert MessageDefaults({}).attach(dropped) == "Attached to the next message: it's here.txt"
    assert MessageDefaults({}).attach("it's") == "it's is not a file."


def test_message_defaults_effort_applies_to_the_next_messages() -> None:
    defaults = MessageDefaults({})
    assert defaults.set_effort("") == "Effort: the site chooses"
    assert defaults.set_effort("high") == defaults.set_effort("") == "Effort: high"
    assert defaults.for_message(is_new=False) == {"effort": "high"}
    assert defaults.set_effort("default") == "Effort: the site chooses"
    assert defaults.for_message(is_new=True) == {}


def test_message_defaults_with_fetch_refuse_files_and_effort(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    defaults = MessageDefaults({}, "fetch")
    with pytest.raises(typer.BadParameter, match="--attach cannot be used"):
        defaults.attach(str(tmp_path / "a.txt"))
    with pytest.raises(typer.BadParameter, match="--effort cannot be used"):
        defaults.set_effort("high")
    assert defaults.for_message(is_new=True) == {}
