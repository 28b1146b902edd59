"""The two forms in which an examination is told: lines as it goes, and one JSON object at its end."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from ..output.consoles import err, printable
from ..output.steps import NAME_WIDTH, Mark, Steps
from .checks import Status, exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.console import Console
    from typing_extensions import Self

    from .checks import Result

MARKS = {
    Status.OK: Mark.DONE,
    Status.WARNING: Mark.WARNING,
    Status.PROBLEM: Mark.FAILED,
    Status.SKIPPED: Mark.SKIPPED,
}


#: The width of a line's sign and name, with what parts them.
INDENT = 1 + 2 + NAME_WIDTH + 2


class LineReport:
    """A line for each check as it ends, and under it what can be done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps = Steps(console, seconds=False)

    def __enter__(self) -> Self:
        self._steps.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._steps.__exit__(kind, error, traceback)

    def begin(self, name: str) -> None:
        """Show what is being looked at."""
        self._steps.next(name)

    def add(self, result: Result) -> None:
        finding = result.finding
        self._steps.done(result.name, finding.summary, MARKS[finding.status])
        if finding.remedy and finding.status in (Status.WARNING, Status.PROBLEM):
            self._advise(finding.remedy)

    def _advise(self, remedy: str) -> None:
        arrow = "→ " if "utf" in self._console.encoding.lower() else "-> "
        line = Text.assemble((arrow, "bold"), printable(remedy))
        if self._console.is_terminal:
            self._console.print(Padding(line, (0, 0, 0, INDENT), expand=False))
        else:
            self._console.print(Text(" " * INDENT) + line, soft_wrap=True)

    def close(self, results: Sequence[Result]) -> None:
        """Say how it went as a whole."""
        counts = {status: sum(r.finding.status is status for r in results) for status in Status}
        told = [
            f"{counts[s]} {s.value}{'s' * (counts[s] > 1)}"
            for s in (Status.PROBLEM, Status.WARNING)
            if counts[s]
        ]
        if told:
            style = "red" if counts[Status.PROBLEM] else "yellow"
            self._console.print(f"\n[bold {style}]{', '.join(told)}.[/]")
        else:
            self._console.print("\n[bold green]All is well.[/]")


class JsonReport:
    """One object on standard output; on a terminal, what is being looked at is shown on standard error meanwhile."""

    def __init__(self) -> None:
        self._status = err.status("")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._status.stop()

    def begin(self, name: str) -> None:
        """Show what is being looked at."""
        self._status.update(f"[dim]{name}[/]")

    def add(self, result: Result) -> None:
        """It is told at the end."""

    def close(self, results: Sequence[Result]) -> None:
        code = exit_code(results)
        told = {"ok": code == 0, "exit_code": code, "checks": [_told(result) for result in results]}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _told(result: Result) -> dict[str, Any]:
    finding = result.finding
    return {
        "name": result.name,
        "status": finding.status.value,
        "summary": finding.summary,
        "remedy": finding.remedy or None,
        "seconds": round(result.seconds, 3),
        "facts": dict(finding.facts),
    }
