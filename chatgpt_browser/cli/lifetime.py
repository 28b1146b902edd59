"""The lifetime of a command that runs until it is stopped, such as `serve`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .signals import handling_signals


class Lifetime:
    """The lifetime of a command. It ends after a signal, after a call of `end`, or if the command was idle for too long.

    :param idle_timeout: the longest time in seconds without an activity, or None for no limit.
    """

    def __init__(self, idle_timeout: float | None = None) -> None:
        #: The longest time in seconds without an activity, or None.
        self.idle_timeout = idle_timeout
        self._active = 0
        self._end = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_active(self) -> bool:
        """True if an activity is in progress."""
        return self._active > 0

    def end(self) -> None:
        """End the lifetime. A second call has no effect."""
        self._end.set()

    async def wait(self) -> None:
        """Wait until the lifetime ends. The idle time begins now, unless an activity is in progress."""
        self._start_timer()
        try:
            await self._end.wait()
        finally:
            self._stop_timer()

    @contextmanager
    def activity(self) -> Iterator[None]:
        """Count an activity during the block. The command is idle if no activity is in progress."""
        self._active += 1
        self._stop_timer()
        try:
            yield
        finally:
            self._active -= 1
            self._start_timer()

    @contextmanager
    def ending_at_signals(self) -> Iterator[None]:
        """Handle the signals that end the command. The first signal ends the lifetime; a second signal has its usual effect.

        Only the main thread may call this method.
        """
        loop = asyncio.get_running_loop()

        def handle(_number: int, _frame: Any) -> None:
            restore()
            loop.call_soon_threadsafe(self.end)

        with handling_signals(handle, "SIGINT", "SIGTERM", "SIGHUP") as restore:
            yield

    def _start_timer(self) -> None:
        self._stop_timer()
        if self.idle_timeout is not None and not self._active and not self._end.is_set():
            self._timer = asyncio.get_running_loop().call_later(self.idle_timeout, self.end)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
