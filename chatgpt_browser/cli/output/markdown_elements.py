"""Subclasses of Rich's Markdown elements that lose no words on a narrow terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import BlockQuote, ListItem, Markdown, MarkdownElement, TableElement
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

#: The minimum width of the text in a list or a quote, in columns. If indentation would leave less, the text is not indented.
MIN_WIDTH = 8
#: A width in columns that no table reaches. It is used to measure tables without the limit of the terminal's width.
_UNLIMITED = 100_000


class WholeQuote(BlockQuote):
    """A Markdown quote. If the terminal is too narrow, the quote is not indented."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of the quote."""
        is_wide = options.max_width - 4 >= MIN_WIDTH
        return super().__rich_console__(console, options) if is_wide else _lines(console, options, self)


class WholeItem(ListItem):
    """An item of a Markdown list. If the terminal is too narrow, the item is not indented."""

    def render_bullet(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of an item with a bullet."""
        is_wide = options.max_width - 3 >= MIN_WIDTH
        return super().render_bullet(console, options) if is_wide else _lines(console, options, self)

    def render_number(
        self, console: Console, options: ConsoleOptions, number: int, last_number: int
    ) -> RenderResult:
        """Yield the segments of an item with a number."""
        is_wide = options.max_width - len(str(last_number)) - 2 >= MIN_WIDTH
        if is_wide:
            return super().render_number(console, options, number, last_number)
        return _lines(console, options, self)


def _lines(console: Console, options: ConsoleOptions, item: BlockQuote | ListItem) -> Iterator[Segment]:
    """Render a quote or a list item, and yield its lines. No indentation is added to the lines."""
    for line in console.render_lines(item.elements, options, style=item.style):
        yield from line
        yield Segment.line()


class WholeTable(TableElement):
    """A table. If a column would be narrower than a word, each cell is written on a separate line instead."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table if its columns fit the terminal. Otherwise yield each row as a text."""
        for renderable in super().__rich_console__(console, options):
            assert isinstance(renderable, Table)
            if _fit_columns(renderable, console, options):
                yield renderable
            else:
                yield from self._rows()

    def _rows(self) -> Iterator[Text]:
        """Yield each row as lines: a line for each cell that is not empty, and an empty line between two rows."""
        header = self.header.row if self.header else None
        body = self.body.rows if self.body else []
        rows = [row for row in ([header, *body] if header else body) if row.cells]
        for row in rows:
            style = "markdown.table.header" if row is header else ""
            lines = [cell.content for cell in row.cells if cell.content.plain.strip()]
            text = Text("\n", style).join(lines)
            yield Text.assemble(text, "\n") if row is not rows[-1] else text


def _fit_columns(table: Table, console: Console, options: ConsoleOptions) -> bool:
    """Set the widths of a table's columns so that the table fits the terminal. If words would have to be broken, return False.

    Rich's own widths may break words in one column although another column has spare width.
    """
    unlimited = options.update(width=_UNLIMITED)
    measured = [
        [Measurement.get(console, unlimited, cell) for cell in (column.header, *column.cells)]
        for column in table.columns
    ]
    smallest = [max(1, *(cell.minimum for cell in cells)) for cells in measured]
    wanted = [
        max(1, *(cell.maximum for cell in cells)) - least
        for cells, least in zip(measured, smallest, strict=True)
    ]
    spare = options.max_width - Measurement.get(console, unlimited, table).minimum
    if spare < 0:
        return False
    if sum(wanted) > spare:
        for column, least, more in zip(table.columns, smallest, wanted, strict=True):
            column.width = least + spare * more // sum(wanted)
    return True


class WholeMarkdown(Markdown):
    """Markdown for Rich, from the tokens of this package's own parser."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "blockquote_open": WholeQuote,
        "list_item_open": WholeItem,
        "table_open": WholeTable,
    }
    inlines: set[str] = Markdown.inlines | {"link", "link_url"}

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__("")
        self.parsed: list[Token] = list(tokens)
