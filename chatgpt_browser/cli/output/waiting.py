"""What is being waited for, shown on a terminal's standard error until there is something better to see."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from rich.status import Status
from rich.text import Text

from ..input.keyboard import silent_keyboard
from .consoles import err, printable
from .milestones import BROWSER_UP, CHALLENGE_PASSED, listening

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What comes after a milestone; after any other, nothing stands before what is waited for.
STEPS = {BROWSER_UP: "opening the site", CHALLENGE_PASSED: "signing in"}
#: Seconds after which a wait says how long it has been.
LONG = 3


class Wait:
    """A line that tells what is being waited for, and for how long."""

    def __init__(self, what: str, step: str | None = None) -> None:
        #: What all the waiting is for.
        self.what = what
        #: What has to be done before, as long as it isn't.
        self.step = step
        self._began = perf_counter()
        self._status = Status(self, console=err)

    def __rich__(self) -> Text:
        # Asked for each time that the spinner turns, so the time goes on by itself.
        seconds = perf_counter() - self._began
        line = printable(self.step or f"waiting for {self.what}")
        return Text(line + (f" · {seconds:.0f} s" if seconds >= LONG else ""), "dim")

    def start(self) -> None:
        """Show it, on a terminal."""
        self._status.start()

    def stop(self) -> None:
        """Take it away. May be called twice."""
        self._status.stop()


@contextmanager
def waiting(what: str, *, first: str | None = "starting the browser") -> Iterator[Wait]:
    """Show what is being waited for: the browser where it is not up yet, the site, and then `what`."""
    wait = Wait(what, first)

    def notice(event: str, _: str) -> None:
        wait.step = STEPS.get(event)

    with silent_keyboard(), listening(notice):
        wait.start()
        try:
            yield wait
        finally:
            wait.stop()
