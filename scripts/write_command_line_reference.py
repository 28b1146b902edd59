"""Writes docs/reference/command-line.md from the commands themselves; `--check` says what is stale instead, and fails.

Run as `python scripts/write_command_line_reference.py`, in an environment that has the extra `cli`.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text
from typer.main import get_command

from chatgpt_browser.cli import app
from chatgpt_browser.cli.environment import VARIABLES
from chatgpt_browser.cli.exit_codes import exit_codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "command-line.md"
PROGRAM = "chatgpt-browser"
EXAMPLES = "[dim]Examples:[/dim]"
HEAD = f"""\
# Command line

<!-- Written by scripts/write_command_line_reference.py, which a test runs with --check: change the commands, then run it. -->

`{PROGRAM}` comes with the extra `cli`; `python -m chatgpt_browser` is the same. Results go to standard output, all talk to
standard error. Every command has `--help`; `{PROGRAM} --install-completion` teaches it to your shell.
"""


def page() -> str:
    """The whole page."""
    sections = [HEAD, *(section(command, names) for names, command in commands())]
    sections.append(
        table("## Environment", ("variable", ""), ((f"`{name}`", said) for name, said in VARIABLES))
    )
    codes = ((f"`{code}`", said) for code, said in exit_codes())
    sections.append(table("## Exit codes", ("code", ""), codes))
    return "\n".join(sections)


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that it is called by, the program itself first; hidden ones are left out."""
    yield from _below((PROGRAM,), get_command(app))


def _below(names: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield names, command
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _below((*names, name), child)


def section(command: Any, names: Sequence[str]) -> str:
    """What is said of one command."""
    said, _, examples = (command.help or "").partition(EXAMPLES)
    lines = [line for line in map(str.strip, examples.splitlines()) if line]
    parts = [
        f"## {' '.join(names[1:]) or PROGRAM}\n",
        f"```text\n{' '.join([*names, *usage(command)])}\n```\n",
        f"{Text.from_markup(said.strip()).plain}\n",
        "<!-- not run: tests/cli runs each of these commands -->\n```sh\n{}\n```\n".format("\n".join(lines))
        if lines
        else "",
        table("", ("argument", "", "default"), rows(command, "argument")),
        table("", ("option", "", "default"), rows(command, "option")),
    ]
    return "\n".join(filter(None, parts))


# Typer's own words for types and usage change with its versions: a page that had them would be stale without our doing.


def usage(command: Any) -> Iterator[str]:
    """What follows the command's name."""
    yield "[OPTIONS]"
    for argument in parameters(command, "argument"):
        yield written(argument) if argument.required else f"[{written(argument)}]"
    if getattr(command, "commands", None):
        yield "COMMAND"


def rows(command: Any, kind: str) -> Iterator[tuple[str, str, str]]:
    """The arguments or the options of a command: how they are written, what they mean, what they are by default."""
    for parameter in parameters(command, kind):
        yield f"`{written(parameter)}`", parameter.help or "", default(parameter)


def parameters(command: Any, kind: str) -> Iterator[Any]:
    """Those that are ours: not what Typer adds to install its completion."""
    for parameter in command.params:
        hidden = getattr(parameter, "hidden", False)
        if parameter.param_type_name == kind and parameter.expose_value and not hidden:
            yield parameter


def written(parameter: Any) -> str:
    """As a person writes it: `--timeout SECONDS`."""
    value = str(parameter.metavar or parameter.name).upper() + ("..." if parameter.nargs == -1 else "")
    if parameter.param_type_name == "argument":
        return value
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag or parameter.count else f"{names} {value}"


def default(parameter: Any) -> str:
    """What stands for a parameter that isn't given, where the help tells."""
    if parameter.required:
        return "required"
    if not getattr(parameter, "show_default", False) or parameter.default in (None, False):
        return ""
    return f"`{getattr(parameter.default, 'value', parameter.default)}`"  # one of an Enum by what is typed


def table(heading: str, columns: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table, or nothing where it would have no rows."""
    lines = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in body]
    if not lines:
        return ""
    head = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    return "\n".join([*([heading, ""] if heading else []), *head, *lines]) + "\n"


def main() -> int:
    now, there = page(), PAGE.read_text("utf-8") if PAGE.exists() else ""
    if sys.argv[1:] != ["--check"]:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(now, "utf-8")
        return 0

    name = "docs/reference/command-line.md"
    stale = difflib.unified_diff(there.splitlines(True), now.splitlines(True), name, "what the commands say")
    sys.stdout.writelines(stale)
    return int(now != there)


if __name__ == "__main__":
    sys.exit(main())
