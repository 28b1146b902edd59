"""Limits how fast past conversations are read. The site limits how often an account may read its conversations."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .._core.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable

#: The first ``BURST`` reads need no pause. After that, one read is allowed every ``INTERVAL`` seconds. Unused intervals are
#: saved, so that after a long time without a read, ``BURST`` reads need no pause again.
BURST, INTERVAL = 20, 0.5
#: A wait of this number of seconds or more is logged.
_LONG_WAIT = 5.0


class ReadPace:
    """Spaces the reads of past conversations: 20 without a pause, then two per second.

    :param clock: a function that returns a time in seconds, from any starting point.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: The time at which ``BURST`` reads without a pause are possible again, if no other read begins.
        self._restored_at = 0.0

    def reserve(self) -> float:
        """Reserve the next read, and return the number of seconds to wait before it."""
        now = self._clock()
        self._restored_at = max(self._restored_at, now) + INTERVAL
        return max(0.0, self._restored_at - now - BURST * INTERVAL)

    async def wait(self) -> None:
        """Wait until the next read may begin."""
        seconds = self.reserve()
        if seconds >= _LONG_WAIT:
            logger.info("waiting %.0f s: many conversations are read", seconds)
        if seconds > 0:
            await asyncio.sleep(seconds)
