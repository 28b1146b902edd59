"""The two consoles: results go to standard output, and all other output goes to standard error.

Both consoles print every text in its printable form, because a text may be untrusted. Rich's markup and emoji codes are off. To
print a text with a style, pass a Rich `Text`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, ClassVar, Protocol

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from chatgpt_browser._core.log import log_handler

from .terminal_text import one_line, printable, printable_json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

LOG_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class HideableLine(Protocol):
    """A status line, such as a spinner, that is rewritten in place and can be hidden."""

    @property
    def console(self) -> Console:
        """The console on which the status line is shown."""

    def hidden(self) -> AbstractContextManager[None]:
        """Hide the line in the `with` block, and show it again after the block."""


def is_terminal(stream: IO[str]) -> bool:
    """Return whether a stream is a terminal."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # for example because the stream is closed
        return False


def can_rewrite_lines(console: Console) -> bool:
    """Return whether a console can rewrite lines: it is a terminal, but neither a dumb terminal nor the log of a CI system."""
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return console.is_terminal and not console.is_dumb_terminal and not in_ci


class SafeConsole(Console):
    """A console that is safe for untrusted text, because it replaces the control characters in each text by escapes.

    It does not write cursor movements to a pipe or a file.
    """

    #: The spinner line that is shown on `out` or `err` now, or None.
    live_line: ClassVar[HideableLine | None] = None

    @property
    def is_terminal(self) -> bool:
        """True if the stream is a terminal. Unlike in Rich, the variable FORCE_COLOR has no effect."""
        return is_terminal(self.file)

    @property
    def is_animated(self) -> bool:
        """True if this console can rewrite lines; see `can_rewrite_lines`."""
        return can_rewrite_lines(self)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects. If the other console (`out` or `err`) shows a spinner on the terminal, hide it during the output."""
        line = SafeConsole.live_line
        with nullcontext() if line is None or line.console is self or not self.is_terminal else line.hidden():
            super().print(*objects, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as `Text`, in its printable form."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of an object. The text of each segment is in printable form, even in tables and other containers."""
        if isinstance(renderable, Text):
            renderable = _printable_text(renderable)
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                style = segment.style.update_link(None) if segment.style else None
                yield Segment(printable(segment.text), style)


def _printable_text(text: Text) -> Text:
    """Return a styled text in its printable form. The style of a character also applies to the escape that replaces it."""
    plain = text.plain
    if printable(plain) == plain:
        return text
    result = text.blank_copy(printable(plain))
    for start, end, style in text.spans:
        result.stylize(style, len(printable(plain[:start])), len(printable(plain[:end])))
    return result


# These consoles use the current sys.stdout and sys.stderr for each line, so that tests can replace the streams.
out: SafeConsole = SafeConsole(highlight=False, markup=False, emoji=False)
err: SafeConsole = SafeConsole(highlight=False, markup=False, emoji=False, stderr=True)


def write_text(text: str) -> None:
    """Write a result to standard output. A terminal receives its printable form; a pipe or a file receives the unchanged text."""
    sys.stdout.write(printable(text) if is_terminal(sys.stdout) else text)
    sys.stdout.flush()


def print_note(text: str | Text) -> None:
    """Print a text on standard error. A terminal wraps the text between words; a pipe receives it as one line."""
    err.print(text, soft_wrap=not err.is_terminal)


def print_dim(text: str) -> None:
    """Print a dimmed line on standard error."""
    print_note(Text(printable(text), "dim"))


def print_labelled(label: str, style: str, text: str) -> None:
    """Print a line with a label, such as `error: `, on standard error."""
    print_note(Text.assemble((f"{label}: ", style), printable(text)))


def confirm(question: str) -> bool:
    """Ask a yes-no question on standard error. Return whether the answer is yes.

    The question is shown on one line. Otherwise a conversation's title of several lines could look like another question.
    """
    return typer.confirm(printable(one_line(question)), err=True)


def shows_markdown() -> bool:
    """Return whether standard output is a terminal that can show styles."""
    return out.is_terminal and not out.is_dumb_terminal and not out.legacy_windows


def write_json(value: Any) -> None:
    """Write a JSON value to standard output: indented on a terminal, otherwise on one line."""
    on_terminal = is_terminal(sys.stdout)
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    document = json.dumps(
        value, ensure_ascii=ascii_only, indent=2 if on_terminal else None, default=datetime.isoformat
    )
    sys.stdout.write((printable_json(document) if on_terminal else document) + "\n")
    sys.stdout.flush()


class ConsoleLogHandler(logging.Handler):
    """Prints log records on standard error, each with its time and its level. If `brief` is True, the time is left out."""

    def __init__(self, level: int, *, brief: bool) -> None:
        super().__init__(level)
        self._brief = brief

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        level, text = record.levelname, self.format(record)
        if self._brief:
            print_labelled(level.lower(), "bold yellow", text)
            return
        time = f"{datetime.fromtimestamp(record.created):%H:%M:%S}"
        print_note(Text.assemble((f"{time} ", "dim"), (f"{level:<8} ", "cyan"), printable(text)))


def logging_to_stderr(verbosity: int) -> AbstractContextManager[None]:
    """In the block, print log records on standard error.

    At verbosity 0, print the warnings of all libraries. At 1, also print the INFO records of this library; at 2 or more, also its
    DEBUG records. The handler is added to the root logger. Otherwise Python itself would write the warnings of other libraries,
    with their control characters.
    """
    level = LOG_LEVELS[min(verbosity, 2)]
    return log_handler(ConsoleLogHandler(level, brief=not verbosity), level, logging.getLogger())
