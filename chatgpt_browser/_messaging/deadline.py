"""What may end a call from outside: its time, its abort signal, and the site's silence."""

from __future__ import annotations

import asyncio
import math
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import anyio

from .._core.abort import AbortSignal
from .._core.errors import ChatGPTTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._transport.response_stream import ResponseStream

__all__ = ["IdleTimer", "Deadline"]


class Deadline:
    """Over one call: its time, in seconds, runs from the first use."""

    def __init__(self, timeout: float, signal: AbortSignal | None) -> None:
        if signal is not None and not isinstance(signal, AbortSignal):
            raise TypeError("abort_signal must be an AbortSignal: pass an AbortController's .signal")
        self._timeout = timeout
        self._is_unbounded = math.isinf(timeout) and signal is None
        self._signal = signal or AbortSignal()
        self._ends_at: float | None = None

    def _end(self) -> float:
        if self._ends_at is None:
            self._ends_at = asyncio.get_running_loop().time() + self._timeout
        return self._ends_at

    def check(self) -> None:
        """Raise the signal's reason, if it has been aborted."""
        self._signal.throw_if_aborted()

    @contextmanager
    def over(self) -> Iterator[None]:
        """Cancel the block when the call's time is up, or when its signal says so.

        :raises ChatGPTTimeoutError: the time is up.
        :raises BaseException: the signal's reason.
        """
        if self._is_unbounded:
            yield
            return
        loop = asyncio.get_running_loop()
        self._signal.throw_if_aborted()

        with anyio.CancelScope(deadline=self._end()) as scope:
            stop_listening = self._signal.listen(lambda: loop.call_soon_threadsafe(scope.cancel))
            try:
                yield
            finally:
                stop_listening()

        if scope.cancelled_caught:
            self._signal.throw_if_aborted()
            raise ChatGPTTimeoutError

    def idle_timer(self, exchange: ResponseStream, idle: float) -> IdleTimer:
        """Go on watching, over an exchange that is being read."""
        return IdleTimer(exchange, self._signal, ends_at=self._end(), idle=idle)


class IdleTimer:
    """Interrupts the reader of an exchange: one timer for all its events, since setting one for each would cost more than
    reading it. Holds no stream, so that one which is let go of can be collected.
    """

    def __init__(self, exchange: ResponseStream, signal: AbortSignal, *, ends_at: float, idle: float) -> None:
        self._exchange = exchange
        self._signal = signal
        self._loop = asyncio.get_running_loop()
        self._ends_at = ends_at
        self._idle = idle
        self._timer: asyncio.TimerHandle | None = None
        self._stop_listening = signal.listen(self._abort)
        self._set(self._loop.time() + idle)

    def stop(self) -> None:
        """Watch no more."""
        self._stop_listening()
        if self._timer is not None:
            self._timer.cancel()

    def check(self) -> None:
        """For a caller who has something left to hand out: raise what a reader would get. From any thread."""
        self._signal.throw_if_aborted()
        if self._loop.time() >= self._ends_at:
            raise ChatGPTTimeoutError

    def _abort(self) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile, and the exchange with it
            self._loop.call_soon_threadsafe(self._exchange.interrupt, self._signal.error())

    def _set(self, silent_at: float) -> None:
        due = min(self._ends_at, silent_at)
        self._timer = None if math.isinf(due) else self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        now = self._loop.time()
        silent_at = self._exchange.arrived_at + self._idle

        if now >= self._ends_at:
            self._exchange.interrupt(ChatGPTTimeoutError())
        elif now < silent_at:
            self._set(silent_at)
        elif self._exchange.is_awaited:
            silence = f"nothing came for {self._idle:g} s"
            self._exchange.interrupt(
                ChatGPTTimeoutError(f"ChatGPT timed out waiting for response: {silence}")
            )
        else:
            self._set(now + self._idle)  # the silence is the caller's own: it has not read what has come
