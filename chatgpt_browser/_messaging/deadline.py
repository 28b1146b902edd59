"""Limits for one call from outside: its deadline, its abort signal, and the idle timer of its response."""

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


class Deadline:
    """The deadline and the abort signal of one call. The time, in seconds, starts at the first use."""

    def __init__(self, timeout: float, signal: AbortSignal | None) -> None:
        if signal is not None and not isinstance(signal, AbortSignal):
            raise TypeError("The abort_signal must be an AbortSignal. Pass an AbortController's .signal.")
        self._timeout = timeout
        self._is_unbounded = math.isinf(timeout) and signal is None
        self._signal = signal or AbortSignal()
        self._ends_at: float | None = None

    def _end(self) -> float:
        if self._ends_at is None:
            self._ends_at = asyncio.get_running_loop().time() + self._timeout
        return self._ends_at

    def check(self) -> None:
        """Raise the signal's reason if it was aborted."""
        self._signal.throw_if_aborted()

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Cancel the block at the deadline, or when the signal is aborted.

        :raises ChatGPTTimeoutError: the deadline has passed.
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

    def start_idle_timer(self, response: ResponseStream, idle_timeout: float) -> IdleTimer:
        """Return a timer that applies this deadline, this signal and ``idle_timeout`` to a response."""
        return IdleTimer(response, self._signal, ends_at=self._end(), idle_timeout=idle_timeout)


class IdleTimer:
    """Interrupts the reader of a response at the deadline, after an abort, and if no frame arrives in time.

    A single timer is used for all events: to set a timer for each event would cost more than to read the event. The timer has
    no reference to the reply stream, so that an abandoned stream can be collected.
    """

    def __init__(
        self, response: ResponseStream, signal: AbortSignal, *, ends_at: float, idle_timeout: float
    ) -> None:
        self._response = response
        self._signal = signal
        self._loop = asyncio.get_running_loop()
        self._ends_at = ends_at
        self._idle_timeout = idle_timeout
        self._timer: asyncio.TimerHandle | None = None
        self._stop_listening = signal.listen(self._abort)
        self._set(self._loop.time() + idle_timeout)

    def stop(self) -> None:
        """Cancel the timer."""
        self._stop_listening()
        if self._timer is not None:
            self._timer.cancel()

    def check(self) -> None:
        """Raise the error that a reader would get now, for a caller that still processes earlier events. Thread-safe.

        :raises ChatGPTTimeoutError: the deadline has passed.
        :raises BaseException: the signal's reason.
        """
        self._signal.throw_if_aborted()
        if self._loop.time() >= self._ends_at:
            raise ChatGPTTimeoutError

    def _abort(self) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile, and the response with it
            self._loop.call_soon_threadsafe(self._response.interrupt, self._signal.error())

    def _set(self, idle_at: float) -> None:
        due = min(self._ends_at, idle_at)
        self._timer = None if math.isinf(due) else self._loop.call_at(due, self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        idle_at = self._response.arrived_at + self._idle_timeout

        if now >= self._ends_at:
            self._response.interrupt(ChatGPTTimeoutError())
        elif now < idle_at:
            self._set(idle_at)
        elif self._response.is_awaited:
            silence = f"nothing came for {self._idle_timeout:g} s"
            error = ChatGPTTimeoutError(f"ChatGPT timed out waiting for response: {silence}")
            self._response.interrupt(error)
        else:
            # The caller is idle, not the site: it has not read what has arrived.
            self._set(now + self._idle_timeout)
