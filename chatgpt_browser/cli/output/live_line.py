"""A line at the end of the output that changes in place: a spinner, or a progress bar. Only on a terminal that allows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.spinner import Spinner

from .consoles import SafeConsole, can_rewrite_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from typing_extensions import Self

#: Frames of the animation per second.
FRAMES_PER_SECOND = 12.5


class LiveLine:
    """A context manager that shows an object on a console until its end, or until :meth:`stop`.

    Rich's own displays replace `sys.stdout` and `sys.stderr` while they are shown, which redirects what commands write there.
    """

    def __init__(self, content: RenderableType, console: Console) -> None:
        #: The console that shows the line.
        self.console = console
        self._lock = threading.RLock()
        self._is_shown = False
        self._live = Live(
            content,
            console=console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Show the line, if the console can rewrite lines."""
        with self._lock:
            if can_rewrite_lines(self.console) and not self._is_shown:
                self._is_shown = True
                SafeConsole.live_line = self
                self.console.is_interactive = True  # Rich computes it once, from the stream at that time
                self._live.start(refresh=True)

    def stop(self) -> None:
        """Remove the line. May be called twice."""
        with self._lock:
            if self._is_shown:
                self._is_shown = False
                SafeConsole.live_line = None
                self._live.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the line in the block, for output of another console on the same terminal."""
        with self._lock:
            self._live.stop()
            try:
                yield
            finally:
                if self._is_shown:
                    self._live.start(refresh=True)


def spinner_line(text: RenderableType, console: Console) -> LiveLine:
    """Return a line with a spinner before a text."""
    return LiveLine(Spinner("dots", text=text), console)
