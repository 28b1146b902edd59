"""`Gate` and `Hold`: points of a scripted reply at which the server waits until the test opens them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass


class Gate:
    """A point in a scripted reply at which the server waits until a test calls `open()`.

    All methods except `wait` may be called from any thread; there is no polling. An open gate stays open.
    """

    def __init__(self) -> None:
        #: Set when the server reaches the gate for the first time.
        self.reached = threading.Event()
        #: True after `open()`.
        self.is_open = False
        #: The number of times that the server has reached this gate, open or closed.
        self.arrivals = 0
        self._changed = threading.Condition()
        self._waiting: list[Future[None]] = []

    def __repr__(self) -> str:
        return f"<Gate {'open' if self.is_open else 'closed'}, {self.arrivals} arrivals>"

    def open(self) -> None:
        """Open the gate: waiting replies continue, and later ones do not wait."""
        with self._changed:
            self.is_open = True
            waiting, self._waiting = self._waiting, []

        for future in waiting:
            # False if the waiting task was cancelled in the meantime: its client has disconnected.
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def wait_reached(self, timeout: float = 5.0, *, count: int = 1) -> None:
        """Block until the server has reached the gate `count` times.

        :param timeout: seconds.
        :raises TimeoutError: if the server has not reached it `count` times by then.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.arrivals >= count, timeout):
                raise TimeoutError(f"the server reached the gate {self.arrivals} times, not {count}")

    async def wait(self) -> None:
        """Wait in the server's event loop until the gate is open."""
        waiter: Future[None] | None = None
        with self._changed:
            if not self.is_open:
                waiter = Future()
                self._waiting.append(waiter)

            self.arrivals += 1
            self._changed.notify_all()

        self.reached.set()
        if waiter is not None:
            await asyncio.wrap_future(waiter)


@dataclass(frozen=True)
class Hold:
    """An item of `RawBody.chunks`: wait here until `gate` is open."""

    gate: Gate
