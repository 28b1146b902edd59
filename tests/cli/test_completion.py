"""Completion of models, efforts, conversations and logins from saved files. No browser is started, and nothing is sent."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from typer.testing import CliRunner

from chatgpt_browser import ConversationSummary, Model
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser.cli import app
from chatgpt_browser.cli.chat.prompt import SlashCommandCompleter
from chatgpt_browser.cli.environment import site_origin
from chatgpt_browser.cli.settings.settings import Settings
from chatgpt_browser.cli.state.conversation_lookup import remember_list
from chatgpt_browser.cli.state.data_folder import DataFolder
from chatgpt_browser.cli.state.model_cache import remember_models, remembered_models

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Complete = Callable[..., str]

INJECTION = "Cake \"; touch x; $(touch x) `touch x` 'a' \x1b[31m\nred"


def summary(conversation_id: str, title: str | None) -> ConversationSummary:
    return ConversationSummary(conversation_id, title, None, None)


def model(slug: str, *efforts: str) -> Model:
    return Model(slug, slug.upper(), None, efforts=efforts)


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Complete:
    """Return a function that completes the last word of a command line, as a shell does."""

    def run(line: str, shell: str = "bash") -> str:
        monkeypatch.setenv("_CHATGPT_BROWSER_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        return CliRunner().invoke(app, prog_name="chatgpt-browser").stdout.strip()

    return run


@pytest.fixture
def saved(data_folder: Path) -> None:
    """Save a list of conversations and a list of models in two logins."""
    remember_list(
        [summary("6f1c6c4e-one", INJECTION), summary("77aa", None), summary("$(touch x)", "bad id")]
    )
    remember_models([model("gpt-5", "standard", "max"), model("o9", "low"), model("two words")])
    with Settings(profile_option="work").activated():
        remember_list([summary("work-1", "At work")])
        DataFolder.current().save_session_token(site_origin(), "the-secret")


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("chatgpt-browser history show ", ["last", "6f1c6c4e-one", "77aa"]),
        ("chatgpt-browser ask --conversation 6", ["6f1c6c4e-one"]),
        ("chatgpt-browser history show --profile work ", ["last", "work-1"]),
        ("chatgpt-browser ask --model ", ["gpt-5", "o9"]),
        ("chatgpt-browser batch a -o b --model g", ["gpt-5"]),
        ("chatgpt-browser ask --effort ", ["standard", "max", "low"]),
        ("chatgpt-browser chat --model o9 --effort ", ["low"]),
        ("chatgpt-browser logout --profile ", ["work"]),
        ("chatgpt-browser --profile w", ["work"]),
    ],
)
def test_completion_uses_saved_names(
    saved: None, complete: Complete, line: str, completions: list[str]
) -> None:
    assert complete(line).split() == completions


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_contains_no_secret_and_no_code_of_a_title(
    saved: None, complete: Complete, shell: str
) -> None:
    for line in ("chatgpt-browser history show ", "chatgpt-browser ask --profile "):
        found = complete(line, shell)
        assert "secret" not in found
        assert not any(character in found for character in ("$", "`", ";", "\x1b"))
    if shell != "bash":
        assert "Cake touch x touch x touch x a" in " ".join(
            complete("chatgpt-browser history show ", shell).split()
        )


def test_completion_damaged_files_and_config_complete_nothing(
    saved: None, data_folder: Path, complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_folder / "conversation_list.json").write_text(json.dumps({"origin": site_origin(), "ids": 3}))
    os.replace(data_folder / "model_list.json", data_folder / "old")
    os.mkfifo(data_folder / "model_list.json")
    assert complete("chatgpt-browser history show ").split() == ["last"]
    assert complete("chatgpt-browser ask --model ") == ""
    (tmp_path / "config.toml").write_text("broken")
    monkeypatch.setenv("CHATGPT_CONFIG", str(tmp_path / "config.toml"))
    assert complete("chatgpt-browser history show ") == ""


def test_remembered_models_ignore_entries_of_other_form(data_folder: Path) -> None:
    folder = DataFolder.current()
    entries = [{"slug": "a", "title": 3, "efforts": ["x", 4]}, {"slug": 5}, "b", {"slug": "c", "efforts": 1}]
    folder.write_json(folder.model_list, "https://site", {"models": entries})
    assert remembered_models(folder, "https://site") == [("a", "3", ("x",)), ("c", "", ())]
    assert remembered_models(folder, "https://other") == []


def test_site_origin_default_is_the_default_of_the_client() -> None:
    assert site_origin() == default_options().site.origin


@pytest.mark.parametrize(
    ("typed", "completions"),
    [
        ("/model g", ["gpt-5"]),
        ("/effort ", ["standard", "max", "low", "default"]),
        ("/open ", ["last", "6f1c6c4e-one", "77aa", "$(touch x)"]),
        ("/eff", ["/effort"]),
        ("/new ", []),
    ],
)
def test_chat_completes_arguments_of_slash_commands(saved: None, typed: str, completions: list[str]) -> None:
    found = SlashCommandCompleter().get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in found] == completions


def test_chat_completes_files_after_attach(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").touch()
    found = SlashCommandCompleter().get_completions(Document(f"/attach {tmp_path}/re"), CompleteEvent())
    assert [completion.text for completion in found] == ["port.pdf"]
