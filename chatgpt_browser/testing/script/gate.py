"""Gates: where a scripted reply waits until the test says go on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass


class Gate:
    """A door in a scripted reply: the server waits in front of it until a test opens it.

    Any thread may call its methods; nothing polls. Once open, a gate stays open.
    """

    def __init__(self) -> None:
        #: Set when the server has arrived at the gate for the first time.
        self.reached = threading.Event()
        self._changed = threading.Condition()
        self._arrivals = 0
        self._open = False
        self._waiting: list[Future[None]] = []

    def __repr__(self) -> str:
        return f"<Gate {'open' if self.is_open else 'closed'}, {self.arrivals} arrivals>"

    @property
    def is_open(self) -> bool:
        """Whether the gate lets everything through."""
        return self._open

    @property
    def arrivals(self) -> int:
        """How many times the server has come to this gate, open or closed."""
        return self._arrivals

    def open(self) -> None:
        """Let all who wait go on, and all who come later pass."""
        with self._changed:
            self._open = True
            waiting, self._waiting = self._waiting, []

        for future in waiting:
            # False means that the waiter gave up meanwhile: its client left.
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def wait_reached(self, timeout: float = 5.0, *, count: int = 1) -> None:
        """Block until the server has arrived `count` times (`timeout` in seconds).

        :raises TimeoutError: if it has not by then.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._arrivals >= count, timeout):
                raise TimeoutError(f"the server came to the gate {self._arrivals} times, not {count}")

    async def wait(self) -> None:
        """Wait on the server's loop until the gate is open."""
        waiter: Future[None] | None = None
        with self._changed:
            if not self._open:
                waiter = Future()
                self._waiting.append(waiter)

            self._arrivals += 1
            self._changed.notify_all()

        self.reached.set()
        if waiter is not None:
            await asyncio.wrap_future(waiter)


@dataclass(frozen=True)
class Hold:
    """An item of `RawBody.chunks`: wait here until `gate` is open."""

    gate: Gate
