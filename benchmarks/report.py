"""The table: each row with its target and whether it is met."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .figures import Row

__all__ = ["summary", "table"]


def table(rows: Sequence[Row]) -> Table:
    """Return a table of all rows, with a section for each protocol."""
    made = Table(title="chatgpt_browser beside a plain HTTP client (medians)", title_justify="left")
    made.add_column("work")
    made.add_column("HTTP")
    for name in ("plain", "ours", "npm 2.0", "figure", "at most"):
        made.add_column(name, justify="right")
    made.add_column("target")

    for index, row in enumerate(rows):
        following = rows[index + 1 : index + 2]
        ends_section = bool(following) and following[0].protocol != row.protocol
        times = [_time(row, who) for who in ("plain", "ours", "npm")]
        made.add_row(
            row.name,
            row.protocol[5:],
            *times,
            _figure(row),
            _at_most(row),
            _verdict(row),
            end_section=ends_section,
        )
    return made


def summary(rows: Sequence[Row]) -> str:
    """Return one line with the number of targets that are met."""
    limits = [row.best for row in rows if row.best is not None]
    missed = sum(not limit.is_met for limit in limits)
    return f"{len(limits) - missed} of {len(limits)} targets met" + (f", {missed} missed" if missed else "")


def _time(row: Row, who: str) -> str:
    samples = row.samples.get(who)
    if not samples:
        return ""
    value = median(samples)
    return f"{value:,.0f} {row.unit}".rstrip() if value >= 1000 else f"{value:.3g} {row.unit}".rstrip()


def _figure(row: Row) -> str:
    if row.best is not None:
        return f"{row.best.value:.3g}{row.best.unit}"
    return f"{row.ratio():.3g}x" if "plain" in row.samples else ""


def _at_most(row: Row) -> str:
    return " or ".join(f"{limit.at_most:.3g}{limit.unit}" for limit in row.limits)


def _verdict(row: Row) -> Text:
    if row.best is None:
        return Text("")
    return Text(row.best.verdict, style="green" if row.best.is_met else "bold red")
