"""A terminal's screen, with what has scrolled off its top."""

from __future__ import annotations

import pyte


class Screen:
    """What a person sees on a terminal that these bytes were written to."""

    def __init__(self, width: int, height: int) -> None:
        self._screen = pyte.HistoryScreen(width, height, history=1000)
        self._screen.set_mode(pyte.modes.LNM)  # as the terminal's driver does: a line feed begins a line
        self._stream = pyte.Stream(self._screen)

    def feed(self, written: str) -> None:
        self._stream.feed(written)

    @property
    def display(self) -> list[str]:
        """The lines that are on the screen now."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def lines(self) -> list[str]:
        """Everything that one can scroll back to, without the empty lines at its end."""
        above = (
            "".join(row[x].data for x in range(self._screen.columns)) for row in self._screen.history.top
        )
        lines = [line.rstrip() for line in (*above, *self._screen.display)]
        return "\n".join(lines).rstrip("\n").split("\n")
