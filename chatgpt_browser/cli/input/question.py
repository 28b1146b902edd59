"""Builds the text of a question: joins the argument, the piped input and the files into one message."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from .standard_input import MAX_BYTES, PipedInput
from .text_checks import text_problem

_FILE_OPTION = "'--file' / '-f'"


def read_piped_input() -> str:
    """Read standard input without a time limit. Return its text, or an empty string if it is not piped."""
    return PipedInput().read()


def build_question(
    message: str | None, files: Sequence[Path] = (), read_input: Callable[[], str] | None = None
) -> str:
    """Return the argument, the piped input and the files as one text, with an empty line between the parts.

    :raises typer.BadParameter: all parts are empty or missing, or a part is not UTF-8 text.
    """
    piped = (read_input or read_piped_input)()
    for name, text in (("MESSAGE", message or ""), ("standard input", piped)):
        if problem := text_problem(text):
            raise typer.BadParameter(f"{name} {problem}")

    parts = [part for part in (message, piped) if part and part.strip()]
    parts += [file_as_code_block(path) for path in files]
    if not parts:
        raise typer.BadParameter("the question is empty: give it as an argument or on standard input")

    return "\n\n".join(parts)


def file_as_code_block(path: Path) -> str:
    """Return the name of a file, followed by the file's text as a Markdown code block.

    If the path is relative, the whole path is the name. If the path is absolute, only its last part is the name, so that the
    message does not contain the names of this machine's folders.

    :raises typer.BadParameter: the file cannot be read, is not UTF-8 text, or is too large.
    """
    text = _read_text(path)
    name = _as_utf8(path.name if path.is_absolute() else path.as_posix())
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{name}:\n\n{fence}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint=_FILE_OPTION) from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path} is not UTF-8 text", param_hint=_FILE_OPTION) from None

    if len(data) > MAX_BYTES:
        raise typer.BadParameter(f"{path} is larger than {MAX_BYTES // 1024**2} MB", param_hint=_FILE_OPTION)
    text = text.replace("\r\n", "\n")
    if problem := text_problem(text):
        raise typer.BadParameter(f"{path} {problem}", param_hint=_FILE_OPTION)
    return text


def _as_utf8(name: str) -> str:
    """Return a file name with U+FFFD in place of control characters and of bytes that are not UTF-8."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", name)
