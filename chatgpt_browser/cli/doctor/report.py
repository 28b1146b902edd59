"""The output of `doctor`: one line after each check, or one JSON object at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.padding import Padding
from rich.text import Text

from ..output.consoles import SafeConsole, err, write_json
from ..output.step_lines import NAME_WIDTH, Mark, StepLines
from ..output.terminal_text import printable
from .checks import Result, Status, exit_code

MARKS = {
    Status.OK: Mark.DONE,
    Status.WARNING: Mark.WARNING,
    Status.PROBLEM: Mark.FAILED,
    Status.SKIPPED: Mark.SKIPPED,
}

#: The width of the columns before the summary, in characters: sign, separator, name and separator.
INDENT = 1 + 2 + NAME_WIDTH + 2


class LineReport(StepLines):
    """Prints one line per finished check. If the check has a remedy, the remedy is on the next line."""

    def __init__(self, console: SafeConsole) -> None:
        super().__init__(console, seconds=False)

    def add(self, result: Result) -> None:
        """Print the result of a check. For a problem or a warning, also print the remedy."""
        finding = result.finding
        self.done(result.name, finding.summary, MARKS[finding.status])
        if finding.remedy and finding.status in (Status.WARNING, Status.PROBLEM):
            self._print_remedy(finding.remedy)

    def _print_remedy(self, remedy: str) -> None:
        arrow = "→ " if "utf" in self._console.encoding.lower() else "-> "
        line = Text.assemble((arrow, "bold"), printable(remedy))
        if self._console.is_terminal:
            self._console.print(Padding(line, (0, 0, 0, INDENT), expand=False))
        else:
            self._console.print(Text(" " * INDENT) + line, soft_wrap=True)

    def close(self, results: Sequence[Result]) -> None:
        """Print the number of problems and warnings."""
        counts = {status: sum(r.finding.status is status for r in results) for status in Status}
        totals = [
            f"{counts[s]} {s.value}{'s' * (counts[s] > 1)}"
            for s in (Status.PROBLEM, Status.WARNING)
            if counts[s]
        ]
        if totals:
            style = "red" if counts[Status.PROBLEM] else "yellow"
            self._console.print(Text(f"\n{', '.join(totals)}.", f"bold {style}"))
        else:
            self._console.print(Text("\nNo problems found.", "bold green"))


class JsonReport(StepLines):
    """Writes one JSON object to standard output after the last check.

    Until then, a spinner on standard error shows the current check.
    """

    def __init__(self) -> None:
        super().__init__(err)

    def add(self, result: Result) -> None:
        """Do nothing, because `close` writes all results."""

    def close(self, results: Sequence[Result]) -> None:
        """Write all results as one JSON object."""
        code = exit_code(results)
        checks = [_check_object(result) for result in results]
        write_json({"ok": code == 0, "exit_code": code, "checks": checks})


def _check_object(result: Result) -> dict[str, Any]:
    finding = result.finding
    return {
        "name": result.name,
        "status": finding.status.value,
        "summary": finding.summary,
        "remedy": finding.remedy or None,
        "seconds": round(result.seconds, 3),
        "facts": dict(finding.facts),
    }
