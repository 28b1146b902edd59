"""`Schedule`: waits for points in time relative to a start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..script.gate import Gate

# Sending to a socket with free buffer space does not yield to the event loop. If nothing else yields, one long reply
# blocks all others, and the server does not notice that its client has disconnected.
_STEPS_PER_YIELD = 8


class Schedule:
    """Points in time, counted from the creation of the object; a late step does not delay the following ones."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._steps = 0

    async def wait_until(self, due: float | None) -> None:
        """Wait until `due` seconds after the start; if `due` is None, only yield on every eighth call."""
        self._steps += 1
        if due is not None:
            await asyncio.sleep(max(0.0, self._start + due - self._loop.time()))
        elif self._steps % _STEPS_PER_YIELD == 1:
            await asyncio.sleep(0)

    async def hold(self, gate: Gate) -> None:
        """Wait at a gate, and move the start by the time that this takes."""
        before = self._loop.time()
        await gate.wait()
        self._start += self._loop.time() - before
