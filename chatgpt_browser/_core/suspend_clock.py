"""`SuspendClock`: measures for how long the machine has slept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SuspendClock:
    """Measures for how long the machine has slept.

    Time limits use the monotonic clock, which stops while the machine sleeps (Linux and macOS). So no time limit expires because
    of a sleep. The wall clock does not stop. Therefore the difference between the two clocks grows by the duration of each sleep.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._difference = wall() - monotonic()

    def slept(self) -> float:
        """Return the seconds for which the machine has slept since the last call. If the wall clock was set back, return 0."""
        before, self._difference = self._difference, self._wall() - self._monotonic()
        return max(0.0, self._difference - before)
