"""A terminal emulator for tests: its screen, its scrollback, and a Rich console that writes to it."""

from __future__ import annotations

import io

import pyte
from rich.console import Console

from chatgpt_browser.cli.output.markdown_renderer import print_markdown

#: The size of the emulated terminal in characters.
WIDTH, HEIGHT = 60, 12


class Screen:
    """A terminal screen with scrollback."""

    def __init__(self, width: int, height: int) -> None:
        self._screen = pyte.HistoryScreen(width, height, history=1000)
        # In a real terminal, the kernel's driver turns a line feed into a carriage return and a line feed.
        self._screen.set_mode(pyte.modes.LNM)
        self._stream = pyte.Stream(self._screen)

    def feed(self, written: str) -> None:
        """Process output that was written to the terminal."""
        self._stream.feed(written)

    @property
    def display(self) -> list[str]:
        """The visible lines."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def lines(self) -> list[str]:
        """The scrollback and the visible lines, without the empty lines at the end."""
        above = (
            "".join(row[x].data for x in range(self._screen.columns)) for row in self._screen.history.top
        )
        lines = [line.rstrip() for line in (*above, *self._screen.display)]
        return "\n".join(lines).rstrip("\n").split("\n")


class EmulatedTerminal:
    """A Rich console and the screen that it writes to."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.file = io.StringIO()
        self.console = Console(
            file=self.file,
            force_terminal=True,
            width=width,
            height=height,
            color_system="256",
            legacy_windows=False,
        )
        self.screen = Screen(width, height)

    def read(self) -> str:
        """Pass the console's new output to the screen; return it."""
        written = self.file.getvalue()
        self.file.seek(0)
        self.file.truncate()
        self.screen.feed(written)
        return written

    @property
    def lines(self) -> list[str]:
        """The scrollback and the visible lines."""
        return self.screen.lines


def lines_printed_at_once(text: str) -> list[str]:
    """Return the terminal's lines after a complete Markdown text was printed."""
    terminal = EmulatedTerminal()
    print_markdown(terminal.console, text)
    terminal.read()
    return terminal.lines
