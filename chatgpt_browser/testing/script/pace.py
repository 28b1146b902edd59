"""How fast a reply comes: `Pace`, and the schedule that keeps it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .gate import Gate

# Sending to a socket with room does not yield: without a pause now and then, one long reply would hold up
# all others, and the news that its client has left.
_EVENTS_PER_TURN = 8


@dataclass(frozen=True)
class Pace:
    """So many events, or so many characters, a second: no jitter, and a late event does not delay the next ones.

    The first event goes out at once. Of `characters` each event takes as many as it adds to the text.

        >>> FakeChatGPT(pace=Pace(characters=400))

    :raises ValueError: unless exactly one of the two is given, and greater than nought.
    """

    events: float | None = None
    characters: float | None = None

    def __post_init__(self) -> None:
        given = [rate for rate in (self.events, self.characters) if rate is not None]
        if len(given) != 1 or not given[0] > 0:
            raise ValueError(f"a pace is events or characters a second, more than nought, not {self}")

    @classmethod
    def of_interval(cls, milliseconds: float) -> Pace | None:
        """One event every so many milliseconds; None for nought."""
        return cls(events=1000 / milliseconds) if milliseconds else None

    def due(self, events: int, characters: int) -> float:
        """Seconds from the first event to one that comes so many events, and so many characters, after it."""
        return events / self.events if self.events is not None else characters / (self.characters or 1)


class Schedule:
    """Times counted from when it is made; what is late is not made up for by hurrying less."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._steps = 0

    async def wait_until(self, due: float | None) -> None:
        """Wait until so many seconds have passed; for None, let others run now and then."""
        self._steps += 1
        if due is not None:
            await asyncio.sleep(max(0.0, self._start + due - self._loop.time()))
        elif self._steps % _EVENTS_PER_TURN == 1:
            await asyncio.sleep(0)

    async def hold(self, gate: Gate) -> None:
        """Wait at a gate. The schedule moves along: a hold is not lateness to be made up for."""
        before = self._loop.time()
        await gate.wait()
        self._start += self._loop.time() - before
