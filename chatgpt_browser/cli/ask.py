"""`chatgpt-browser ask`: one question, the reply on standard output as it comes."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ._client import client_from_environment
from ._consoles import err, logging_to_stderr, printable
from ._events import BROWSER_UP, listening
from ._exit import errors_as_exit_codes
from ._parameters import Headed, Verbose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Message = Annotated[
    str | None,
    typer.Argument(help="The question. What is piped in follows it, or stands alone.", show_default=False),
]
Timeout = Annotated[
    float | None,
    typer.Option(help="Give up after so many seconds.", min=0.001, metavar="SECONDS", show_default=False),
]
PlainText = Annotated[bool, typer.Option("--plain-text", help="Take the Markdown out of the reply.")]


def ask(
    message: Message = None,
    timeout: Timeout = None,
    plain_text: PlainText = False,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Ask one question; the reply goes to standard output as it comes.

    [dim]Examples:[/dim]

    chatgpt-browser ask "Why is the sky blue?"

    git diff | chatgpt-browser ask "Write a commit message for this:"
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        question = whole_question(message)
        limit = None if timeout is None else timedelta(seconds=timeout)
        with client_from_environment(markdown=not plain_text, headless=not headed) as api:
            with waiting() as first_word, api.stream_message(question, timeout_ms=limit) as stream:
                write_reply(announcing(stream, first_word))


def whole_question(message: str | None) -> str:
    """Join the argument and what was piped in.

    :raises typer.BadParameter: where both are empty, or what was piped in is not UTF-8.
    """
    parts = [part for part in (message, piped_in()) if part and part.strip()]
    if not parts:
        raise typer.BadParameter("say what to ask, as an argument or on standard input")

    return "\n\n".join(parts)


def piped_in() -> str:
    """Read standard input where it is a pipe or a file.

    A terminal is not read, nor is anything else: a job may well be started with a standard input that never ends.
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


@contextmanager
def waiting() -> Iterator[Callable[[], None]]:
    """Show on a terminal what is being waited for, until the given function is called."""
    with err.status("starting the browser") as status:

        def notice(event: str, _: str) -> None:
            status.update("waiting for the site" if event == BROWSER_UP else "waiting for the reply")

        with listening(notice):
            yield status.stop


def announcing(pieces: Iterable[str], first_word: Callable[[], None]) -> Iterator[str]:
    """Pass the pieces on; call before each, so that whatever stands in the way is gone."""
    for piece in pieces:
        first_word()
        yield piece


def write_reply(pieces: Iterable[str]) -> None:
    """Write each piece at once; end the line whatever happens, so that an error has a line of its own."""
    out, last = sys.stdout, "\n"
    clean = printable if out.isatty() else str
    try:
        for piece in pieces:
            out.write(clean(piece))
            out.flush()
            last = piece or last
    finally:
        if not last.endswith("\n"):
            out.write("\n")
            out.flush()
