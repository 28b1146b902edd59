"""A spinner line at the end of the output, which is rewritten in place.

The line is only shown if the console can rewrite lines.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .consoles import SafeConsole, can_rewrite_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from typing_extensions import Self

#: The number of animation frames per second.
FRAMES_PER_SECOND = 12.5


class LiveLine:
    """A context manager that shows its content on a console until the end of the block, or until :meth:`stop` is called.

    Rich's live displays replace `sys.stdout` and `sys.stderr` by default, and so redirect the output of the commands. This class
    does not replace them.
    """

    def __init__(self, content: RenderableType, console: Console) -> None:
        from rich.live import Live

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
                # Rich sets this attribute only when the console is created, but the stream may have been replaced later.
                self.console.is_interactive = True
                self._live.start(refresh=True)

    def stop(self) -> None:
        """Remove the line. If the line is not shown, do nothing."""
        with self._lock:
            if self._is_shown:
                self._is_shown = False
                SafeConsole.live_line = None
                self._live.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Hide the line in the block, so that another console can write to the same terminal. Show it again after the block."""
        with self._lock:
            self._live.stop()
            try:
                yield
            finally:
                if self._is_shown:
                    self._live.start(refresh=True)


def spinner_line(text: RenderableType, console: Console) -> LiveLine:
    """Return a line that consists of a spinner and a text."""
    from rich.spinner import Spinner

    return LiveLine(Spinner("dots", text=text), console)
