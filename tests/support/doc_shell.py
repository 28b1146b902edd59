"""Checks of a shell block without running it: its commands exist and accept its options."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import typer.main

from chatgpt_browser.cli.app import app
from tests.support.doc_blocks import ROOT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

#: Matches a word that sets a variable for the command after it.
ASSIGNMENT = re.compile(r"\w+=")
OPERATORS = re.compile(r"[|&;()<>]+")
#: Programs of other projects, whose options are not checked.
UNCHECKED = {
    *(
        "cat",
        "curl",
        "cd",
        "cut",
        "export",
        "grep",
        "head",
        "kill",
        "less",
        "read",
        "sort",
        "source",
        "tail",
        "xargs",
    ),
    *("chromium", "claude", "docker", "git", "google-chrome", "jq", "python3", "ssh", "uvicorn", "xvfb-run"),
}
DISTRIBUTION = "chatgpt-browser-api"


def problems(code: str) -> list[str]:
    """Return the problems of a block."""
    found = subprocess.run(["bash", "-n"], input=code, text=True, capture_output=True).stderr.splitlines()
    for line in commands(code):
        words = [*itertools.dropwhile(ASSIGNMENT.match, line)]
        if not words:
            continue
        name, *rest = words
        check = CHECKS.get(name)
        if check is not None:
            found += [f"{shlex.join(words)}: {problem}" for problem in check(rest)]
        elif name not in UNCHECKED:
            found.append(f"{name}: this test cannot check the command")

    return found


def commands(code: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a block, without redirections."""
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        into_file = False
        for word in lexer:
            if OPERATORS.fullmatch(word):
                into_file = "<" in word or ">" in word
                if not into_file and words:
                    yield words
                    words = []
            elif into_file:
                into_file = False
            else:
                words.append(word)
        if words:
            yield words


def options_in(words: Sequence[str]) -> set[str]:
    """Return the options among the words, without their values."""
    return {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}


def unknown_options(used: set[str], known: set[str]) -> list[str]:
    return [f"there is no option {option}" for option in sorted(used - known)]


def check_own_command(words: Sequence[str]) -> list[str]:
    """Check `chatgpt-browser …`, including subcommands, by Typer's command objects."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and not rest[0].startswith("-") and hasattr(command, "commands"):
        name = rest.pop(0)
        if name not in command.commands:
            return [f"there is no command {name}"]
        command = command.commands[name]

    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return unknown_options(options_in(rest), known | {"-h", "--help"})


def check_python(words: Sequence[str]) -> list[str]:
    """Check `python -m …` of the package and of its fake server."""
    if words[:2] == ["-m", "chatgpt_browser"]:
        return check_own_command(words[2:])
    if words[:2] == ["-m", "chatgpt_browser.testing"]:
        from chatgpt_browser.testing.__main__ import _parser

        return unknown_options(options_in(words[2:]), argparse_options(_parser()))
    return [] if words[:2] == ["-m", "venv"] else ["only modules of this package are checked"]


def argparse_options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def check_pip(words: Sequence[str]) -> list[str]:
    """Check the name and the extras of this package in `pip install …`."""
    found = []
    for word in words:
        name, _, extras = word.rstrip("]").partition("[")
        if name in (DISTRIBUTION, ".", wheel_path()):
            known = set(
                re.findall(r"^(\w+) = \[", project_table("project.optional-dependencies"), re.MULTILINE)
            )
            found += [f"there is no extra {extra}" for extra in set(extras.split(",")) - known - {""}]
        elif name.startswith("chatgpt"):
            found.append(f"{name} is another project")
        elif name.endswith(".whl"):
            found.append(f"this version's wheel is {wheel_path()}")
    return found


def wheel_path() -> str:
    """Return the path of the wheel that `scripts/build.sh` builds."""
    version = re.search(r'^version = "(.+)"$', project_table("project"), re.MULTILINE)
    assert version is not None
    return f"./dist/{DISTRIBUTION.replace('-', '_')}-{version[1]}-py3-none-any.whl"


def check_uvx(words: Sequence[str]) -> list[str]:
    """Return the problems of the command `uvx --from WHEEL COMMAND…`."""
    option, wheel, name, *rest = words
    problems = [] if (option, name) == ("--from", "chatgpt-browser") else ["only uvx --from is checked"]
    return problems + check_pip([wheel]) + check_own_command(rest)


def project_table(name: str) -> str:
    """Return a table of pyproject.toml as text, because Python 3.10 has no tomllib."""
    return (ROOT / "pyproject.toml").read_text("utf-8").partition(f"[{name}]\n")[2].partition("\n\n[")[0]


def check_script(words: Sequence[str]) -> list[str]:
    """Check that the file of `bash scripts/…` exists."""
    return [] if (ROOT / words[0]).is_file() else [f"there is no {words[0]}"]


def check_by_help(module: str) -> Callable[[Sequence[str]], list[str]]:
    """Return a check by the program's `--help`, or that of its subcommand."""

    def check(words: Sequence[str]) -> list[str]:
        subcommand = [words[0]] if words and not words[0].startswith("-") and module != "pytest" else []
        return [
            f"{option} is not in its help"
            for option in sorted(options_in(words))
            if re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_of(module, *subcommand)) is None
        ]

    return check


@functools.cache
def help_of(module: str, *subcommand: str) -> str:
    command = [sys.executable, "-m", module, *subcommand, "--help"]
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout


def check_eval(words: Sequence[str]) -> list[str]:
    """Check the command in `eval "$(…)"`."""
    inner = re.fullmatch(r"\$\((.*)\)", " ".join(words))
    return ["not a command substitution"] if inner is None else problems(inner[1])


CHECKS: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "chatgpt-browser": check_own_command,
    "python": check_python,
    "pip": check_pip,
    "pipx": check_pip,
    "uv": check_pip,
    "uvx": check_uvx,
    "bash": check_script,
    "eval": check_eval,
    "playwright": check_by_help("playwright"),
    "pytest": check_by_help("pytest"),
    "mkdocs": check_by_help("mkdocs"),
}
