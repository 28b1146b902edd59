"""How far a batch has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from ..output.consoles import err, printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

#: Seconds between two lines where there is no terminal.
_LINE_EVERY = 30.0


@dataclass
class Tally:
    """The numbers: ``done`` counts earlier runs too, ``done_now`` this one alone, and the rate is this one's."""

    total: int
    done: int
    failed: int
    done_now: int = 0

    def count(self, failed: bool) -> None:
        self.done += 1
        self.done_now += 1
        self.failed += failed

    def line(self, seconds: float) -> str:
        """The numbers in words, after so many seconds."""
        parts = [f"{self.done} of {self.total}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.done_now:
            left = timedelta(seconds=round(seconds / self.done_now * (self.total - self.done)))
            parts += [f"{self.done_now / seconds * 60:.1f} a minute", f"{left} left"]
        return ", ".join(parts)


class Board:
    """Shows a tally. ``notice`` may be called from another thread."""

    def __init__(self, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self._tally = tally
        self._clock = clock
        self._began = self._told = clock()
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task = self._progress.add_task("starting the browser", total=tally.total, completed=tally.done)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        self.say(self._line())

    def notice(self, event: str, message: str) -> None:
        """Show that the site has asked for a pause; in words that stay, too."""
        if event == "paused":
            self._progress.update(self._task, description=printable(message))
            self.say(message)

    def count(self, failed: bool) -> None:
        """One more is done."""
        self._tally.count(failed)
        self._progress.update(self._task, completed=self._tally.done, description=self._line())
        if not err.is_terminal and self._clock() >= self._told + _LINE_EVERY:
            self._told = self._clock()
            self.say(self._line())

    def say(self, text: str) -> None:
        """A line of its own."""
        self._progress.console.print(Text(printable(text)), soft_wrap=True)

    def _line(self) -> str:
        return self._tally.line(self._clock() - self._began)
