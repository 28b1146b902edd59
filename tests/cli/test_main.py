"""`python -m chatgpt_browser`, with and without the extras; help, version and shell completion."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

import chatgpt_browser
from chatgpt_browser import __main__ as main_module
from chatgpt_browser.cli import app
from chatgpt_browser.cli.app import COMMANDS, load_command
from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke

MAIN_WITHOUT_PACKAGE = """
import sys
sys.modules[{package!r}] = None  # as if it were not installed
from chatgpt_browser.__main__ import main
sys.argv = ["chatgpt-browser", "demo"]
main()
"""


def run_without(package: str) -> subprocess.CompletedProcess[str]:
    code = MAIN_WITHOUT_PACKAGE.format(package=package)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_main_missing_cli_extra_prints_one_line(package: str) -> None:
    result = run_without(package)
    assert result.returncode == 2
    assert result.stderr == "The command line needs an extra: pip install 'chatgpt-browser-api[cli]'\n"


@pytest.mark.parametrize("package", ["starlette", "hypercorn"])
def test_demo_missing_testing_extra_prints_one_line(package: str) -> None:
    result = run_without(package)
    assert result.returncode == 2
    assert result.stderr == "The demo needs an extra: pip install 'chatgpt-browser-api[cli,testing]'\n"


def test_main_other_missing_module_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "chatgpt_browser.cli", raising=False)
    monkeypatch.setitem(sys.modules, "chatgpt_browser.cli", None)
    with pytest.raises(ModuleNotFoundError, match="chatgpt_browser"):
        main_module.main()


def test_main_interrupt_during_start_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chatgpt_browser.cli.app", interrupted)
    with pytest.raises(SystemExit) as caught:
        main_module.main()

    assert caught.value.code == 130


def test_ask_closed_stdout_succeeds(tmp_path: Path) -> None:
    """Shells close standard output with `>&-`."""
    with FakeChatGPT() as server:
        environment = os.environ | {
            "CHATGPT_SESSION_TOKEN": server.session_token,
            "CHATGPT_API_BASE_URL": server.api_base_url,
            "CHATGPT_BACKEND_API_BASE_URL": server.backend_api_base_url,
            "CHATGPT_DATA_DIR": str(tmp_path),
        }
        command = f"{sys.executable} -m chatgpt_browser ask hello >&-"
        result = subprocess.run(
            ["sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=30, env=environment
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert len(server.conversations) == 1


def test_version_option_prints_version(invoke: Invoke) -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("chatgpt-browser ")


def test_app_without_command_shows_help(invoke: Invoke) -> None:
    assert "ask" in invoke().output


def test_help_of_every_command_has_examples() -> None:
    commands = list(leaf_commands(typer.main.get_command(app)))
    assert len(commands) > 10
    for command in commands:
        if not command.hidden:
            assert "chatgpt-browser " in (command.help or ""), f"{command.name} shows no example"


def leaf_commands(command: Any) -> Iterator[Any]:
    """Yield the commands that have no subcommands."""
    for below in getattr(command, "commands", {}).values():
        yield from leaf_commands(below)
    if not hasattr(command, "commands"):
        yield command


HEAVY = {
    "playwright", "prompt_toolkit", "asyncio", "anyio", "starlette", "pytest", "pydantic", "tenacity", "filelock",
    "importlib.metadata", "chatgpt_browser._core.options", "chatgpt_browser._client.client",
    "chatgpt_browser._protocol.file_refs", "rich.markdown", "rich.traceback",
}  # fmt: skip


def modules_after(*arguments: str) -> set[str]:
    """Return the names of the modules that a new process has imported after it ran the command line."""
    code = (
        f"import sys; sys.argv = ['chatgpt-browser', *{arguments}]\n"
        "from chatgpt_browser.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize("command", ["", "ask", "chat", "batch", "history list", "jobs wait"])
def test_help_imports_no_heavy_module(command: str) -> None:
    loaded = modules_after(*command.split(), "--help")
    assert loaded & HEAVY == set()
    names = {name for name in COMMANDS if f"chatgpt_browser.cli.{COMMANDS[name].module}" in loaded}
    assert names == {*command.split()[:1]}


def test_help_lists_first_sentences_in_sections(invoke: Invoke) -> None:
    text = invoke("--help").stdout
    for source in COMMANDS.values():
        assert f"{source.summary.partition('. ')[0].rstrip('.')}." in " ".join(text.split())
    titles = re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)
    assert titles == ["Options", "Commands", "Environment", "Exit codes"]


@pytest.mark.parametrize("group", ["background", "config", "history", "jobs"])
def test_help_of_group_has_no_completion_options(invoke: Invoke, group: str) -> None:
    assert "completion" not in invoke(group, "--help").stdout


def test_help_of_command_has_its_parameters_in_sections(invoke: Invoke) -> None:
    text = invoke("ask", "--help").stdout
    titles = re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)
    assert titles == ["Arguments", "Options", "Message", "Every command"]
    assert "MESSAGE  The question" in text
    assert text.index("\nMessage:") < text.index("--effort NAME") < text.index("\nEvery command:")


def test_version_imports_no_command_line() -> None:
    loaded = modules_after("--version")
    assert not any(name.startswith(("chatgpt_browser.cli", "typer", "rich")) for name in loaded)


def test_version_is_the_version_of_the_package() -> None:
    assert chatgpt_browser.__version__ == importlib.metadata.version("chatgpt-browser-api")


@pytest.mark.parametrize("name", COMMANDS)
def test_summary_in_help_is_first_paragraph_of_command(name: str) -> None:
    command = load_command(name, COMMANDS[name])
    assert COMMANDS[name].summary == " ".join(command.help.split("\n\n")[0].split())


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("chatgpt-browser h", ["history"]),
        ("chatgpt-browser history d", ["delete"]),
        ("chatgpt-browser history show l", ["last"]),
    ],
)
def test_shell_completion_completes_commands_and_ids(
    words: str, completions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_CHATGPT_BROWSER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    result = CliRunner().invoke(app, prog_name="chatgpt-browser")
    assert result.stdout.split() == completions
