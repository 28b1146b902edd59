"""What is asked: an argument, what was piped in, and files, in one message."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def whole_question(message: str | None, files: Sequence[Path] = ()) -> str:
    """Join the argument, what was piped in, and the files, each under its name.

    :raises typer.BadParameter: where all are empty, or one is not UTF-8.
    """
    parts = [part for part in (message, piped_in()) if part and part.strip()]
    parts += [quoted(path) for path in files]
    if not parts:
        raise typer.BadParameter("say what to ask, as an argument or on standard input")

    return "\n\n".join(parts)


def quoted(path: Path) -> str:
    """A file's text as a block of code, so that it is clear where it ends, under the name that it was given by.

    :raises typer.BadParameter: where it is not UTF-8.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is not UTF-8 text", param_hint="'--file'") from None

    # Where it lies on this machine is nobody's business.
    name = path.name if path.is_absolute() else path.as_posix()
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{name}:\n\n{fence}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def piped_in() -> str:
    """Read standard input where it is a pipe or a file.

    A terminal is not read, nor is anything else: a job may well be started with a standard input that never ends.

    :raises typer.BadParameter: where it is not UTF-8.
    """
    if not is_pipe_or_file(sys.stdin):
        return ""

    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise typer.BadParameter("standard input is not UTF-8") from None


def is_pipe_or_file(stream: TextIO | None) -> bool:
    if stream is None:  # closed by whoever started us
        return False

    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:
        return False

    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
