"""The text of a question: the argument, piped input and files, joined into one message."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import typer


def build_question(message: str | None, files: Sequence[Path] = ()) -> str:
    """Return the argument, the piped input and the files, joined by empty lines.

    :raises typer.BadParameter: all of them are empty, or one is not UTF-8.
    """
    parts = [part for part in (message, read_piped_input()) if part and part.strip()]
    parts += [file_as_code_block(path) for path in files]
    if not parts:
        raise typer.BadParameter("the question is empty: give it as an argument or on standard input")

    return "\n\n".join(parts)


def file_as_code_block(path: Path) -> str:
    """Return a file's text as a Markdown code block below its name.

    The name is the path as it was given. Of an absolute path only the last part is used, so that the message does not contain
    the folders of this machine.

    :raises typer.BadParameter: the file is not UTF-8.
    """
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is not UTF-8 text", param_hint="'--file'") from None

    name = path.name if path.is_absolute() else path.as_posix()
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{name}:\n\n{fence}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def read_piped_input() -> str:
    """Return the text of standard input if it is a pipe or a file, else an empty string.

    Other inputs are not read, because they may never end: a terminal, or what a job scheduler provides.

    :raises typer.BadParameter: the input is not UTF-8.
    """
    if not is_pipe_or_file(sys.stdin):
        return ""

    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise typer.BadParameter("standard input is not UTF-8") from None


def is_pipe_or_file(stream: TextIO | None) -> bool:
    """Return whether a stream is a pipe or a regular file."""
    if stream is None:  # the parent process closed standard input
        return False

    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:
        return False

    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
