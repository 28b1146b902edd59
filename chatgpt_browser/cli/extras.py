"""The extras of this package that some commands need."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

import typer

from .output.consoles import print_note


def require_extra(subject: str, extra: str, packages: Iterable[str]) -> None:
    """Check that the packages of an extra are installed. Otherwise print how to install the extra.

    :param subject: the first words of the printed line, such as "The demo".
    :param extra: the name of the extra, or several names with commas between them.
    :raises typer.Exit: a package is not installed. The exit code is 2.
    """
    if any(importlib.util.find_spec(name) is None for name in packages):
        print_note(f"{subject} needs an extra: pip install 'chatgpt-browser-api[{extra}]'")
        raise typer.Exit(2)
