"""Markdown on a terminal: as a whole, or live while it grows."""

from __future__ import annotations

import threading
from os.path import commonprefix
from time import perf_counter
from typing import TYPE_CHECKING

from rich.markdown import Markdown
from rich.text import Text

from .consoles import printable
from .markdown_blocks import Block, blocks_of, settled_blocks

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from typing_extensions import Self

#: Seconds between two pictures of a growing text: the eye sees no more.
FRAME = 0.05


def print_markdown(console: Console, markdown: str) -> None:
    """Write a whole text."""
    lines = [line for block in blocks_of(printable(markdown)) for line in render(console, block)]
    console.file.write("".join(f"{line}\n" for line in lines[1:]))


def render(console: Console, block: Block) -> list[str]:
    """The lines of a block as the console shows them, with the empty line before it, where one belongs there."""
    # Where a link leads is written out: what stands on the screen should say where a click goes.
    markdown = Markdown("", hyperlinks=False)
    markdown.parsed = block.tokens
    with console.capture() as capture:
        console.print(markdown)

    lines = [line.rstrip(" ") for line in capture.get().strip("\n").split("\n")]
    return ["", *lines] if block.apart else lines


class LiveMarkdown:
    """Shows a text on a terminal while it grows; a context manager, within which nobody else writes there.

    Blocks that are over are written for good, so that the terminal can be scrolled back through them. Only the open one is
    rewritten, and of that only the lines that have changed. :meth:`show` may be called as often as one likes: a thread draws the
    newest text some twenty times a second.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._region = Region(console)
        self._text = ""
        self._settled = ""  # the part of the text whose outermost blocks are all written for good
        self._written = 0  # how many blocks of what follows it are written for good as well
        self._anything = False
        self._changed, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._paint, name="chatgpt_browser painter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._changed.set()
        self._thread.join()
        self._draw(whole=True)

    def show(self, text: str) -> None:
        """Show this, the whole text so far."""
        self._text = text
        self._changed.set()

    def _paint(self) -> None:
        while not self._over.is_set():
            self._changed.wait()
            self._changed.clear()
            began = perf_counter()
            self._draw()
            # A long listing takes long to colour: whoever reads the reply off the site goes first.
            self._over.wait(max(FRAME, 2 * (perf_counter() - began)))

    def _draw(self, *, whole: bool = False) -> None:
        text = printable(self._text)
        if not text.startswith(
            self._settled
        ):  # the site has taken back what it said: once more, from its beginning
            self._region.draw([], [])
            self._settled, self._written = "", 0

        rest = text[len(self._settled) :]
        blocks = blocks_of(rest)
        end = len(blocks) if whole else max(self._written, min(settled_blocks(rest), len(blocks)))
        settled, tail = blocks[self._written : end], blocks[end:]
        open_lines = self._render(tail, after=bool(settled) or self._anything)
        self._region.draw(
            self._render(settled, after=self._anything), open_lines, scrolls=bool(tail) and tail[0].is_code
        )
        self._anything = self._anything or bool(settled)
        self._settle(rest, blocks, end)

    def _render(self, blocks: list[Block], *, after: bool) -> list[str]:
        lines = [line for block in blocks for line in render(self._console, block)]
        return lines if after else lines[1:]

    def _settle(self, rest: str, blocks: list[Block], end: int) -> None:
        """Leave out from now on what is written: up to the outermost block that the first open block is in."""
        if end == len(blocks):
            self._written = end
            return

        begins = blocks[end].line
        self._settled += "".join(f"{line}\n" for line in rest.split("\n")[:begins])
        self._written = sum(block.line == begins for block in blocks[:end])


class Region:
    """The lines above the cursor that may still be rewritten; no more of them than the terminal has."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: list[str] = []
        self._gone = 0
        self._width = console.width

    def draw(self, settled: list[str], tail: list[str], *, scrolls: bool = False) -> None:
        """Replace the open lines: by these that are settled, and by a new tail that stays open.

        A tail that is longer than the terminal is shown by its end, and is whole when it is settled. One that `scrolls`, which
        is to say that its lines do not change any more once they are off the screen, leaves it at the top like any text.
        """
        room = max(1, self._console.height - 1)
        shown = tail if scrolls else tail[-room:]
        lines = [*settled, *shown][self._gone :]
        same = len(commonprefix([self._lines, lines]))
        rows = self._rows(self._lines[same:])
        if rows or lines[same:]:
            up = f"\x1b[{rows}A" if rows else ""
            # A line is cleared just before it is written, all in one go: nothing is ever seen empty.
            written = "".join(f"\x1b[2K{line}\n" for line in lines[same:])
            self._console.file.write(f"{up}\r{written}\x1b[J")
            self._console.file.flush()

        self._gone = max(0, len(shown) - room)
        self._lines = shown[self._gone :]

    def _rows(self, lines: list[str]) -> int:
        """How many rows these take: more than one each where the terminal has become narrower meanwhile."""
        before, self._width = self._width, self._console.width
        if self._width >= before:
            return len(lines)
        return sum(max(1, -(-Text.from_ansi(line).cell_len // self._width)) for line in lines)
