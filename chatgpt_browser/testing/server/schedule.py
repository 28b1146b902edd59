"""`Schedule`: waits for points in time that are relative to a start time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..script.gate import Gate

# Of the calls of `wait_until` that do not wait, every eighth call yields to the event loop. While the buffer of a socket has free
# space, sending does not yield. Without these yields, one long reply would block all other replies, and the server would not
# notice that the client has disconnected.
_STEPS_PER_YIELD = 8


class Schedule:
    """A timer that waits until given times after its creation. If one wait ends late, the following waits still end on time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._steps = 0

    async def wait_until(self, due: float | None) -> None:
        """Wait until `due` seconds after the start time.

        If `due` is None, do not wait. In this case, the first call and every eighth call after it yield to the event loop.
        """
        self._steps += 1
        if due is not None:
            await asyncio.sleep(max(0.0, self._start + due - self._loop.time()))
        elif self._steps % _STEPS_PER_YIELD == 1:
            await asyncio.sleep(0)

    async def hold(self, gate: Gate) -> None:
        """Wait until a gate is open. Then move the start time by the duration of this wait."""
        before = self._loop.time()
        await gate.wait()
        self._start += self._loop.time() - before
