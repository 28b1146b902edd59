"""`Gate` and `Hold`. At a gate in a scripted reply, the server waits until the test opens the gate."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass


class Gate:
    """A point in a scripted reply at which the server waits until a test calls `open()`.

    All methods except `wait` may be called from any thread. Waiting threads and tasks are notified; they do not poll. An open
    gate stays open.
    """

    def __init__(self) -> None:
        #: An event that is set when the server reaches the gate for the first time.
        self.reached: threading.Event = threading.Event()
        #: True after `open()` was called.
        self.is_open: bool = False
        #: The number of times that the server has reached this gate, whether the gate was open or closed.
        self.arrivals: int = 0
        self._changed = threading.Condition()
        self._waiting: list[Future[None]] = []

    def __repr__(self) -> str:
        return f"<Gate {'open' if self.is_open else 'closed'}, {self.arrivals} arrivals>"

    def open(self) -> None:
        """Open the gate. Replies that wait at the gate continue; replies that reach the gate later do not wait."""
        with self._changed:
            self.is_open = True
            waiting, self._waiting = self._waiting, []

        for future in waiting:
            # This call returns False if the waiting task was cancelled because its client has disconnected.
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def wait_reached(self, timeout: float = 5.0, *, count: int = 1) -> None:
        """Block until the server has reached the gate `count` times.

        :param timeout: the maximum time to wait, in seconds.
        :raises TimeoutError: if the server has not reached the gate `count` times within `timeout`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.arrivals >= count, timeout):
                raise TimeoutError(f"the server reached the gate {self.arrivals} times, not {count}")

    async def wait(self) -> None:
        """Count an arrival, then wait until the gate is open. Only the server calls this method, in its event loop."""
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
    """An item of `RawBody.chunks`: the server waits at this point of the body until `gate` is open."""

    gate: Gate
