"""The config file: its keys, its errors, its precedence, and the commands `config show|path|edit`. No browser is started."""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer

from chatgpt_browser.cli import app
from chatgpt_browser.cli.client_factory import client_from_environment
from chatgpt_browser.cli.command_class import apply_config
from chatgpt_browser.cli.commands.config import template
from chatgpt_browser.cli.settings.config_file import ConfigFile
from chatgpt_browser.cli.settings.keys import KEYS
from chatgpt_browser.cli.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke

    WriteConfig = Callable[[str], Path]


@pytest.fixture
def write_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteConfig:
    """Return a function that writes the config file that CHATGPT_CONFIG names."""
    path = tmp_path / "config.toml"

    def write(text: str) -> Path:
        path.write_text(text, "utf-8")
        monkeypatch.setenv("CHATGPT_CONFIG", str(path))
        return path

    return write


def parsed(*words: str) -> dict[str, Any]:
    """Return the parameters of a command line, with the values of the config file."""
    root: Any = typer.main.get_command(app)
    with root.make_context("chatgpt-browser", list(words)) as ctx:
        name, command, rest = root.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
        with command.make_context(name, rest, parent=ctx) as below:
            found: dict[str, Any] = below.params
            return found


# ---- keys and errors -------------------------------------------------------------------------------------------------


def test_config_file_all_keys_are_read(write_config: WriteConfig) -> None:
    text = 'profile = "work"\nmodel = "m"\neffort = "high"\nsend_via = "page"\noutput = "json"\n'
    path = write_config(f"{text}[pace]\nmin_interval = 1500.5\nmessages_per_hour = 30\n")
    config = ConfigFile.read(path)
    assert set(config.values) == {key.name for key in KEYS}
    assert config.source("pace.messages_per_hour") == f"{path}, line 8"
    assert Settings().client_options == {"min_interval": 1500.5, "messages_per_hour": 30}
    assert (Settings().profile, Settings().get("effort").value) == ("work", "high")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('modle = "m"', "line 1: unknown key modle; did you mean model?"),
        ('# a\n\nsend-via = "page"', "line 3: unknown key send-via; did you mean send_via?"),
        ("min_interval = 1", "line 1: unknown key min_interval; did you mean pace.min_interval?"),
        ("[pace]\n\nmin_intervall = 1", "line 3: unknown key pace.min_intervall; did you mean pace.min_interval?"),
        ("[profiles.work]\na = 1", "line 1: unknown key profiles; did you mean profile?"),
        ('session_token = "secret"', "line 1: unknown key session_token; known are profile, model,"),
        ("model = 5", "line 1: model must be a text in quotes"),
        ('model = ""', "line 1: model must be a text"),
        ('\nprofile = "../secret"', "line 2: profile must be a name"),
        ('send_via = "secret"', "line 1: send_via must be one of 'auto', 'fetch', 'page'"),
        ('output = ["secret"]', "line 1: output must be one of 'markdown', 'plain-text', 'json'"),
        ("pace = 3", "line 1: pace must be a table: write [pace]"),
        ("pace.min_interval = true", "line 1: pace.min_interval must be a number of milliseconds"),
        ("[ pace ]\nmin_interval = nan", "line 2: pace.min_interval must be a number"),
        ("pace = { min_interval = -1 }", "line 1: pace.min_interval must be a number"),
        ("[pace]\nmessages_per_hour = 2.5", "line 2: pace.messages_per_hour must be a whole number"),
        ('model = "a"\nmodel = "secret"', "is not valid TOML"),
        ('model = secret', "is not valid TOML"),
        (f"[pace]\nmin_interval = {'9' * 5000}", "is not valid TOML"),  # more digits than Python converts
    ],
)  # fmt: skip
def test_config_file_invalid_content_is_an_error_with_line_and_key(
    text: str, message: str, write_config: WriteConfig, invoke: Invoke
) -> None:
    path = write_config(text)
    result = invoke("config", "show")
    shown = " ".join(result.stderr.split())
    assert (result.exit_code, message in shown, str(path) in shown) == (2, True, True), shown
    assert "secret" not in shown.replace("session_token", "")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"#" * (2 << 20)])
def test_config_file_named_but_unreadable_is_an_error(
    content: bytes | None, tmp_path: Path, invoke: Invoke
) -> None:
    path = tmp_path / "config.toml"
    if content is not None:
        path.write_bytes(content)
    result = invoke("ask", "--config", str(path), "Hello")
    assert result.exit_code == 2
    assert "cannot be read" in " ".join(result.stderr.split())


@pytest.mark.parametrize("by_variable", [False, True])
def test_config_file_in_home_of_unknown_user_is_an_error(
    by_variable: bool, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    path = "~no-such-user/config.toml"
    monkeypatch.setenv("CHATGPT_CONFIG", path if by_variable else os.devnull)
    result = invoke("config", "show", *([] if by_variable else ["--config", path]))
    assert result.exit_code == 2
    assert f"the config file {path} cannot be read" in " ".join(result.stderr.split())


def test_config_file_template_is_valid_and_has_every_key(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(template())
    assert ConfigFile.read(path).values == {}
    path.write_text(
        "\n".join(line.removeprefix("# ") if " = " in line else line for line in template().splitlines())
    )
    assert [*ConfigFile.read(path).values] == [key.name for key in KEYS]


# ---- precedence ------------------------------------------------------------------------------------------------------


def test_config_applies_option_over_variable_over_file(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config('model = "file"\nsend_via = "page"\neffort = "high"')
    found = parsed("ask", "Hello")
    assert (found["model"], found["send_via"], found["effort"]) == ("file", "page", "high")
    monkeypatch.setenv("CHATGPT_SEND_VIA", "fetch")
    assert parsed("chat")["send_via"] == "fetch"
    assert parsed("batch", "p", "-o", "r", "--send-via", "auto", "--model", "m")["send_via"] == "auto"
    assert parsed("batch", "p", "-o", "r", "--model", "m")["model"] == "m"


@pytest.mark.parametrize(
    ("output", "words", "expected"),
    [
        ("plain-text", [], (True, False)),
        ("plain-text", ["--markdown"], (False, False)),
        ("plain-text", ["--json"], (False, True)),
        ("json", [], (False, True)),
        ("json", ["--plain-text"], (True, False)),
        ("json", ["--no-json"], (False, False)),
    ],
)
def test_config_output_is_replaced_by_any_output_option(
    output: str, words: list[str], expected: tuple[bool, bool], write_config: WriteConfig
) -> None:
    write_config(f'output = "{output}"')
    found = parsed("ask", *words, "Hello")
    assert (found["plain_text"], found["as_json"]) == expected


def test_config_output_json_leaves_detach_usable(write_config: WriteConfig) -> None:
    write_config('output = "json"')
    found = parsed("ask", "--detach", "Hello")
    assert (found["detach"], found["as_json"]) == (True, False)
    assert parsed("ask", "--detach", "--json", "Hello")["as_json"], (
        "an option that the user gives is not ignored"
    )


def test_config_effort_leaves_send_via_fetch_usable(write_config: WriteConfig) -> None:
    write_config('effort = "extended"')
    assert parsed("ask", "Hello")["effort"] == "extended"
    assert parsed("ask", "--send-via", "fetch", "Hello")["effort"] is None
    assert parsed("ask", "--send-via", "fetch", "--effort", "max", "Hello")["effort"] == "max"


def test_config_profile_option_over_variable_over_file(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config('profile = "file"')
    assert Settings().get("profile") == ("file", f"{path}, line 1")
    monkeypatch.setenv("CHATGPT_PROFILE", "variable")
    assert Settings().get("profile") == ("variable", "CHATGPT_PROFILE")
    assert Settings(profile_option="option").get("profile") == ("option", "--profile")


def test_config_option_over_variable_before_and_after_command(
    write_config: WriteConfig, tmp_path: Path, invoke: Invoke
) -> None:
    write_config('model = "variable"')
    other = tmp_path / "other.toml"
    other.write_text('model = "option"')
    for words in (["--config", str(other), "config", "show"], ["config", "show", "--config", str(other)]):
        assert f"model\toption\t{other}, line 1" in invoke(*words).stdout


def test_config_pace_reaches_the_client_unless_a_variable_is_set(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config("[pace]\nmin_interval = 1500\nmessages_per_hour = 30")
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    with client_from_environment() as api:
        options = api._options
        assert (options.min_interval, options.messages_per_hour) == (1.5, 30)
    monkeypatch.setenv("CHATGPT_MESSAGES_PER_HOUR", "7")
    assert Settings().get("pace.messages_per_hour") == (7, "CHATGPT_MESSAGES_PER_HOUR")
    with client_from_environment() as api:
        options = api._options
        assert (options.min_interval, options.messages_per_hour) == (1.5, 7)


def test_config_settings_reach_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.toml").write_text('profile = "work"')
    monkeypatch.chdir(tmp_path)
    for name, value in Settings(config_option="c.toml").environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    assert Settings().config.values == {"profile": "work"}


def test_config_broken_file_does_not_break_help_path_and_completion(
    write_config: WriteConfig, invoke: Invoke
) -> None:
    path = write_config("broken")
    assert invoke("ask", "--help").exit_code == 0
    assert invoke("config", "path").stdout == f"{path}\n"
    root: Any = typer.main.get_command(app)
    with root.make_context("chatgpt-browser", ["ask"], resilient_parsing=True) as ctx:
        ask = root.get_command(ctx, "ask")
        assert (
            ask.make_context("ask", ["--model", "m"], parent=ctx, resilient_parsing=True).params["model"]
            == "m"
        )


def test_apply_config_command_without_keys_reads_no_file(write_config: WriteConfig) -> None:
    write_config("broken")
    root: Any = typer.main.get_command(app)
    with root.make_context("chatgpt-browser", ["logout"]) as ctx:
        context = root.get_command(ctx, "logout").make_context("logout", [], parent=ctx)
        apply_config(context, Settings())
    assert context.params == {}


# ---- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the variable belongs to Linux")
def test_config_default_path_ignores_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    for name in ("config.toml", "chatgpt-browser.toml", "chatgpt-browser-api/config.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('model = "from-the-working-directory"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATGPT_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", ".")
    assert Settings().get("model").source == "default"
    (tmp_path / "home" / "chatgpt-browser-api").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    path = tmp_path / "home" / "chatgpt-browser-api" / "config.toml"
    assert invoke("config", "path").stdout == f"{path}\n"
    assert Settings().get("model").source == "default"
    path.write_text('model = "m"')
    assert Settings().get("model") == ("m", f"{path}, line 1")


# ---- show, edit ------------------------------------------------------------------------------------------------------


def test_config_show_names_sources_and_no_secret(
    write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    path = write_config("[pace]\nmin_interval = 10\n")
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "the-secret")
    monkeypatch.setenv("CHATGPT_SEND_VIA", "page")
    shown = json.loads(invoke("config", "show", "--json").stdout)
    assert shown["pace.min_interval"] == {"value": 10, "source": f"{path}, line 2"}
    assert shown["send_via"] == {"value": "page", "source": "CHATGPT_SEND_VIA"}
    assert shown["session"] == {"value": "a session token", "source": "CHATGPT_SESSION_TOKEN"}
    assert "secret" not in str(shown)
    assert "session\tnone" in invoke("config", "show", "--profile", "work").stdout


def test_config_edit_creates_private_file_and_checks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    editor = tmp_path / "my editor"
    editor.write_text('#!/bin/sh\nprintf \'modle = 1\' >> "$2"; test -z "$CHATGPT_SESSION_TOKEN"')
    editor.chmod(0o700)
    path = tmp_path / "new" / "config.toml"
    monkeypatch.setenv("CHATGPT_CONFIG", str(path))
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    monkeypatch.setenv("EDITOR", f"'{editor}' --wait")
    monkeypatch.delenv("VISUAL", raising=False)
    result = invoke("config", "edit")
    assert result.exit_code == 2
    assert "did you mean" in result.stderr
    assert path.read_text().startswith("# The settings")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("editor", "code"), [("", 2), ("/no/editor", 2), ("'vi -n", 2), ("vi \\", 2), ("false", 1)]
)
def test_config_edit_without_working_editor_fails(
    editor: str, code: int, write_config: WriteConfig, monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    write_config("")
    monkeypatch.setenv("VISUAL", editor)
    monkeypatch.delenv("EDITOR", raising=False)
    if not editor:
        monkeypatch.setenv("PATH", os.devnull)
    assert invoke("config", "edit").exit_code == code
