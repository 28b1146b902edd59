"""A spinner on standard error. It shows the current step, or the result that the command waits for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from rich.text import Text

from ..terminal_settings import echo_disabled
from .consoles import err
from .live_line import LiveLine, spinner_line
from .milestones import BROWSER_UP, CHALLENGE_PASSED, milestone_callback
from .terminal_text import printable

#: Maps a milestone to the step that follows the milestone. After any other milestone, the spinner shows the awaited result.
NEXT_STEPS = {BROWSER_UP: "opening the site", CHALLENGE_PASSED: "signing in"}
#: The spinner shows the elapsed time after this many seconds.
LONG_WAIT = 3


class WaitSpinner:
    """A line with a spinner. It shows the current step or the awaited result, and the elapsed time."""

    def __init__(self, what: str, step: str | None = None) -> None:
        #: The name of the awaited result, such as "the reply".
        self.what = what
        #: The current step, or None if all steps before the result are done.
        self.step = step
        self._started = perf_counter()
        #: The line with the spinner. It is shown only if standard error can rewrite lines.
        self.line: LiveLine = spinner_line(self, err)

    def __rich__(self) -> Text:
        # Rich calls this for each frame of the spinner, so the elapsed time stays current.
        seconds = perf_counter() - self._started
        line = printable(self.step or f"waiting for {self.what}")
        return Text(line + (f" · {seconds:.0f} s" if seconds >= LONG_WAIT else ""), "dim")

    def stop(self) -> None:
        """Remove the spinner. If it is not shown, do nothing."""
        self.line.stop()


@contextmanager
def wait_spinner(what: str, *, first_step: str | None = "starting the browser") -> Iterator[WaitSpinner]:
    """Show a spinner in the block. It shows `first_step`, then the client's next steps, and then "waiting for" and `what`."""
    spinner = WaitSpinner(what, first_step)

    def on_milestone(event: str, _: str) -> None:
        spinner.step = NEXT_STEPS.get(event)

    with echo_disabled(), milestone_callback(on_milestone), spinner.line:
        yield spinner
