"""Writes one line with the duration for each finished step of a command, and shows the current step beside a spinner."""

from __future__ import annotations

from enum import Enum
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from .live_line import LiveLine
from .terminal_text import printable

if TYPE_CHECKING:
    from typing_extensions import Self

#: The width of the column that contains the names of the steps.
NAME_WIDTH = 18


class Mark(Enum):
    """The result of a step. Each value contains a sign, another sign for output that is not UTF-8, and a style."""

    DONE = ("✓", "+", "bold green")
    WARNING = ("!", "!", "bold yellow")
    FAILED = ("✗", "x", "bold red")
    SKIPPED = ("–", "-", "dim")


class StepLines:
    """Writes one line per finished step. On a terminal, a spinner below the lines shows the current step.

    A step starts when `next` is called or, without such a call, when the previous step ends. If `seconds` is True, the line
    contains the duration of the step. The total time starts when the object is created.
    """

    def __init__(self, console: Console, *, seconds: bool = True) -> None:
        self._console = console
        self._shows_seconds = seconds
        self._spinner = Spinner("dots")
        self._line = LiveLine(self._spinner, console)
        self._ascii = "utf" not in console.encoding.lower()
        self._started = self._last = perf_counter()

    def __enter__(self) -> Self:
        self._line.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._line.stop()

    @property
    def total(self) -> float:
        """The time in seconds since this object was created."""
        return perf_counter() - self._started

    def next(self, what: str) -> None:
        """Start a step now, and show its description beside the spinner."""
        self._last = perf_counter()
        self.show(what)

    def show(self, text: str) -> None:
        """Show a text beside the spinner, without starting a new step."""
        self._spinner.text = Text(printable(text), "dim")

    def done(self, what: str, detail: str = "", mark: Mark = Mark.DONE) -> float:
        """Write the line of a finished step, and start the next step. Return the duration of the finished step in seconds."""
        now = perf_counter()
        seconds = now - self._last
        self._write(mark, what, "" if mark is Mark.SKIPPED else f"{seconds:.3f} s", detail)
        self._last = now
        return seconds

    def _write(self, mark: Mark, what: str, seconds: str, detail: str) -> None:
        sign, plain, style = mark.value
        columns = [Text(plain if self._ascii else sign, style), Text(f"{what:<{NAME_WIDTH}}")]
        if self._shows_seconds:
            columns.append(Text(f"{seconds:>8}", "cyan"))
        columns.append(Text(printable(detail), "dim"))
        if not self._console.is_terminal:  # A pipe receives each step as one line, without wrapping.
            line = Text("  ").join(columns)
            line.rstrip()
            self._console.print(line, soft_wrap=True)
            return

        row = Table.grid(padding=(0, 2, 0, 0))
        for _ in columns[1:]:
            row.add_column(no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(*columns)
        self._console.print(row)

    def quote(self, speaker: str, text: str) -> None:
        """Write a message and the name of its author (`speaker`), indented and wrapped."""
        line = Text.assemble((f"{speaker}: ", "bold"), printable(text))
        self._console.print(Padding(line, (0, 2), expand=False))
