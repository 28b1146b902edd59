"""Writes tables: aligned columns on a terminal, tab-separated lines in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .consoles import out, write_text
from .terminal_text import printable


def write_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, fixed_columns: int = 1) -> None:
    """Write rows of untrusted texts to standard output.

    The first `fixed_columns` columns are never truncated, because users pass their values to other commands.
    """
    if not out.is_terminal:
        write_text("".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows))
        return

    table = Table(box=None, header_style="dim", pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(
            heading, no_wrap=index < fixed_columns, overflow="fold" if index < fixed_columns else "ellipsis"
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    out.print(table)
