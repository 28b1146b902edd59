"""Finds out whether the machine has slept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SuspendClock:
    """Measures for how long the machine has slept.

    The time of a time limit is measured with the monotonic clock, which stops while the machine sleeps (Linux and macOS). So a
    sleep exceeds no time limit. The wall clock does not stop. The difference of both clocks is the duration of the sleep.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._difference = wall() - monotonic()

    def slept(self) -> float:
        """Return for how many seconds the machine has slept since the last call. A wall clock that was set back counts as 0."""
        before, self._difference = self._difference, self._wall() - self._monotonic()
        return max(0.0, self._difference - before)
