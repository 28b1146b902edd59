"""The command-line page of the documentation matches the commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from chatgpt_browser.cli import app
from chatgpt_browser.cli.exit_codes import exit_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
SCRIPT = "scripts/write_command_line_reference.py"


def commands(command: Any, *names: str) -> Iterator[tuple[str, Any]]:
    """Yield the visible commands with their names as in the headings of the page."""
    yield " ".join(names) or "chatgpt-browser", command
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from commands(child, *names, name)


COMMANDS = dict(commands(get_command(app)))
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_reference_page_is_up_to_date() -> None:
    check = subprocess.run(
        [sys.executable, SCRIPT, "--check"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )

    assert check.returncode == 0, f"run `python {SCRIPT}`:\n{check.stdout}{check.stderr}"


def test_reference_has_one_section_per_command() -> None:
    assert [*SECTIONS][: len(COMMANDS)] == [*COMMANDS]
    assert [*SECTIONS][len(COMMANDS) :] == ["Environment", "Exit codes"]


@pytest.mark.parametrize("name", COMMANDS)
def test_reference_lists_every_option_and_default(name: str) -> None:
    section, documented = SECTIONS[name], dict[str, str]()
    for row in re.findall(r"^\| `(-.*?)` \| .* \| (.*) \|$", section, re.MULTILINE):
        for option in re.findall(r"--?[\w-]+", row[0]):
            documented[option] = row[1].strip("` ")

    options = [
        option
        for option in COMMANDS[name].params
        if option.param_type_name == "option" and option.expose_value and not option.hidden
    ]
    assert set(documented) == {word for option in options for word in (*option.opts, *option.secondary_opts)}
    for option in options:
        has_default = option.show_default and option.default not in (None, False)
        default = str(getattr(option.default, "value", option.default)) if has_default else ""
        assert documented[option.opts[-1]] == ("required" if option.required else default)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "chatgpt-browser"])
def test_reference_shows_examples_of_every_command(name: str) -> None:
    if getattr(COMMANDS[name], "commands", None):
        return  # its subcommands show examples

    assert re.search(rf"^```sh\n(?:.*\n)*?.*chatgpt-browser {name}", SECTIONS[name], re.MULTILINE)


def test_reference_lists_every_exit_code() -> None:
    codes = re.findall(r"^\| `(\d+)` \| (.+) \|$", SECTIONS["Exit codes"], re.MULTILINE)
    assert [(int(code), meaning) for code, meaning in codes] == exit_codes()
