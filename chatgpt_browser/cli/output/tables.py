"""Tables: aligned columns on a terminal, tab-separated lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .consoles import out, printable


def write_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows of untrusted texts. The first column is never truncated, because other commands take it as an argument."""
    if not sys.stdout.isatty():
        for row in rows:
            sys.stdout.write("\t".join(" ".join(cell.split()) for cell in row) + "\n")
        sys.stdout.flush()
        return

    table = Table(box=None, header_style="dim", pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, no_wrap=index == 0, overflow="fold" if index == 0 else "ellipsis")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    out.print(table)
