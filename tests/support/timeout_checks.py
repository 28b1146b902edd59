"""A check that a call ends at its time limit, apart from delays of the machine."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import ChatGPTTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GRACE", "LIMIT", "LONG_LIMIT", "MachineDelay", "raises_timeout"]

#: A limit in milliseconds for a call that cannot proceed.
LIMIT = 400
#: A limit in milliseconds for a call that has to proceed first, for example to the first event, which a busy machine delays.
LONG_LIMIT = 2000
#: The number of seconds that a timeout may be late. The client promises 0.1 s, which ``scripts/test.sh --long`` checks. Other
#: runs, which may be on a busy machine, only check that the call ends.
GRACE = 0.1 if "CHATGPT_SOAK" in os.environ else 10.0


class MachineDelay(threading.Thread):
    """Measures by how much the machine delays a thread that sleeps for a short time, again and again."""

    TICK = 0.01

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._ended = threading.Event()
        self._ticks = [(time.monotonic(), 0.0)]

    def run(self) -> None:
        while not self._ended.wait(self.TICK):
            self._ticks.append((time.monotonic(), self._overdue()))

    def __enter__(self) -> MachineDelay:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self.join()

    def since(self, moment: float) -> float:
        """Return the total delay in seconds since a moment of the monotonic clock."""
        return sum(late for at, late in self._ticks if at > moment) + self._overdue()

    def _overdue(self) -> float:
        return max(0.0, time.monotonic() - self._ticks[-1][0] - self.TICK)


@contextmanager
def raises_timeout(limit: float = LIMIT) -> Iterator[pytest.ExceptionInfo[ChatGPTTimeoutError]]:
    """Check that the block raises a timeout after ``limit`` milliseconds, at most ``GRACE`` seconds late.

    Delays of the machine are not counted as late.
    """
    with MachineDelay() as delay:
        due = time.monotonic() + limit / 1000
        with pytest.raises(ChatGPTTimeoutError) as caught:
            yield caught
        late = time.monotonic() - due
        delayed = delay.since(due)
    assert -0.005 <= late < GRACE + delayed, (
        f"{late * 1000:.0f} ms late, {delayed * 1000:.0f} ms by the machine"
    )
