"""Renders Markdown on a terminal: a complete text once, or a growing text repeatedly while it arrives."""

from __future__ import annotations

import threading
from os.path import commonprefix
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from .code_languages import limit_highlighting
from .markdown_blocks import Block, blocks_of, settled_blocks
from .markdown_elements import WholeMarkdown
from .terminal_text import printable

if TYPE_CHECKING:
    from typing_extensions import Self

#: The minimum time in seconds between two updates of a growing text. 20 updates per second look smooth.
FRAME_INTERVAL = 0.05


def print_markdown(console: Console, markdown: str) -> None:
    """Render a complete Markdown text on the console."""
    lines = [line for block in blocks_of(printable(markdown)) for line in render(console, block)]
    console.file.write("".join(f"{line}\n" for line in lines[1:]))


def render(console: Console, block: Block) -> list[str]:
    """Return the rendered lines of a block. If an empty line precedes the block, the result starts with this line."""
    limit_highlighting(block.tokens)
    markdown = WholeMarkdown(block.tokens)
    with console.capture() as capture:
        console.print(markdown)

    lines = [line.rstrip(" ") for line in capture.get().strip("\n").split("\n")]
    return ["", *lines] if block.apart else lines


class LiveMarkdown:
    """A context manager that renders a growing text. In its `with` block, no other output may go to the terminal.

    A finished block of Markdown is written once, so it stays in the terminal's scrollback. Only the last, unfinished block is
    rewritten, and only its changed lines. :meth:`show` returns at once. A thread draws the text, at most 20 times per second.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._region = Region(console)
        self._text = ""
        self._settled = ""  # The finished start of the text. Its blocks are written and cannot change.
        self._written = 0  # The number of blocks after `_settled` that are already written.
        self._has_output = False
        self._changed, self._finished = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._paint, name="chatgpt_browser painter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._changed.set()
        self._thread.join()
        self._draw(whole=True)

    def show(self, text: str) -> None:
        """Set the text to draw: the whole text that has arrived so far. The thread draws it soon after this call."""
        self._text = text
        self._changed.set()

    def _paint(self) -> None:
        while not self._finished.is_set():
            self._changed.wait()
            self._changed.clear()
            started = perf_counter()
            self._draw()
            # Highlighting long code is slow. This pause leaves at least 2/3 of the time to the thread that reads the reply.
            self._finished.wait(max(FRAME_INTERVAL, 2 * (perf_counter() - started)))

    def _draw(self, *, whole: bool = False) -> None:
        text = printable(self._text)
        # If the site has replaced finished text, the whole text is drawn again.
        if not text.startswith(self._settled):
            self._region.draw([], [])
            self._settled, self._written = "", 0

        rest = text[len(self._settled) :]
        blocks = blocks_of(rest)
        end = len(blocks) if whole else max(self._written, min(settled_blocks(rest), len(blocks)))
        settled, tail = blocks[self._written : end], blocks[end:]
        open_lines = self._render(tail, after=bool(settled) or self._has_output)
        self._region.draw(
            self._render(settled, after=self._has_output), open_lines, scrolls=bool(tail) and tail[0].is_code
        )
        self._has_output = self._has_output or bool(settled)
        self._settle(rest, blocks, end)

    def _render(self, blocks: list[Block], *, after: bool) -> list[str]:
        lines = [line for block in blocks for line in render(self._console, block)]
        return lines if after else lines[1:]

    def _settle(self, rest: str, blocks: list[Block], end: int) -> None:
        """Append the finished text to `_settled`, so that later draws skip it.

        `rest` is the text after `_settled`, and `blocks[end]` is its first unfinished block. The finished text ends before the
        top-level block that contains `blocks[end]`.
        """
        if end == len(blocks):
            self._written = end
            return

        first_line = blocks[end].line
        self._settled += "".join(f"{line}\n" for line in rest.split("\n")[:first_line])
        self._written = sum(block.line == first_line for block in blocks[:end])


class Region:
    """The open lines, which can still be rewritten: the last lines above the cursor. They always fit on the screen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: list[str] = []
        self._scrolled_off = 0
        self._width = console.width

    def draw(self, settled: list[str], tail: list[str], *, scrolls: bool = False) -> None:
        """Replace the open lines by the lines `settled`, which are final, and the lines `tail`, which are the new open lines.

        If `tail` is longer than the screen, only its last lines are written. The other lines are written when they are final.

        :param scrolls: if True, all lines of `tail` are written, and the first lines scroll off the screen. This is for code
            blocks, whose lines do not change after they have left the screen.
        """
        max_lines = max(1, self._console.height - 1)
        shown = tail if scrolls else tail[-max_lines:]
        lines = [*settled, *shown][self._scrolled_off :]
        same = len(commonprefix([self._lines, lines]))
        rows = self._count_rows(self._lines[same:])
        if rows or lines[same:]:
            up = f"\x1b[{rows}A" if rows else ""
            # One write clears and rewrites each line in turn, so that the screen does not flicker.
            written = "".join(f"\x1b[2K{line}\n" for line in lines[same:])
            self._console.file.write(f"{up}\r{written}\x1b[J")
            self._console.file.flush()

        self._scrolled_off = max(0, len(shown) - max_lines)
        self._lines = shown[self._scrolled_off :]

    def _count_rows(self, lines: list[str]) -> int:
        """Return the number of terminal rows that these lines occupy. In a narrowed terminal, a line may occupy several rows."""
        before, self._width = self._width, self._console.width
        if self._width >= before:
            return len(lines)
        return sum(max(1, -(-Text.from_ansi(line).cell_len // self._width)) for line in lines)
