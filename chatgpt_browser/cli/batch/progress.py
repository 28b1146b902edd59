"""Shows the progress of a batch: as a bar on a terminal, otherwise as a line every 30 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from ..output.consoles import err, print_note
from ..output.terminal_text import printable

if TYPE_CHECKING:
    from typing_extensions import Self

#: The interval in seconds between two progress lines, which are printed instead of the bar if standard error is no terminal.
_LINE_INTERVAL = 30.0


@dataclass
class ProgressCounts:
    """The numbers of results of a batch. ``done`` includes earlier runs; ``done_now`` is the number for this run only."""

    total: int
    done: int
    failed: int
    done_now: int = 0

    def count(self, failed: bool) -> None:
        """Count one more result. ``failed`` is True if the result is an error."""
        self.done += 1
        self.done_now += 1
        self.failed += failed

    def line(self, seconds: float) -> str:
        """Return the counts, the rate and the remaining time as text. ``seconds`` is the duration of this run so far."""
        parts = [f"{self.done} of {self.total}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.done_now:
            left = timedelta(seconds=round(seconds / self.done_now * (self.total - self.done)))
            parts += [f"{self.done_now / seconds * 60:.1f} a minute", f"{left} left"]
        return ", ".join(parts)


class ProgressDisplay:
    """Shows the progress on standard error. ``on_milestone`` may be called from another thread."""

    def __init__(self, counts: ProgressCounts, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts = counts
        self._clock = clock
        self._started = self._last_line = clock()
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(),
            TextColumn("{task.description}", markup=False),
            console=err,
            transient=True,
            disable=not err.is_animated,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(
            "starting the browser", total=counts.total, completed=counts.done
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        self.print_line(self._line())

    def on_milestone(self, event: str, message: str) -> None:
        """Show a wait (for a rate limit or for the pace settings) in the bar and as a line. Ignore all other events."""
        if event in ("paused", "waiting"):
            self._progress.update(self._task, description=printable(message))
            self.print_line(message)

    def count(self, failed: bool) -> None:
        """Count one more result and update the display."""
        self._counts.count(failed)
        self._progress.update(self._task, completed=self._counts.done, description=self._line())
        if not err.is_animated and self._clock() >= self._last_line + _LINE_INTERVAL:
            self._last_line = self._clock()
            self.print_line(self._line())

    def print_line(self, text: str) -> None:
        """Print a line on standard error, above the bar."""
        print_note(Text(printable(text)))

    def _line(self) -> str:
        return self._counts.line(self._clock() - self._started)
