"""Applies the limits that a caller sets for one call: a deadline and an abort signal."""

from __future__ import annotations

import asyncio
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from .._core.abort import AbortSignal
from .._core.errors import ChatGPTTimeoutError
from .idle_timer import IdleTimer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._transport.response_stream import ResponseStream


class Deadline:
    """The deadline and the abort signal of one call. The time limit ``timeout`` (in seconds) starts at the object's first use."""

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
        """Raise the error of the signal if the signal was aborted. The time limit is not checked here."""
        self._signal.throw_if_aborted()

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Cancel the code in the block at the deadline, or when the signal is aborted.

        :raises ChatGPTTimeoutError: the deadline has passed.
        :raises BaseException: the signal was aborted. The error is the result of :meth:`AbortSignal.error`.
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
            raise ChatGPTTimeoutError(limit="timeout_ms", seconds=self._timeout)

    def start_idle_timer(self, response: ResponseStream, idle_timeout: float) -> IdleTimer:
        """Return a timer that applies this deadline, this signal and ``idle_timeout`` to a response."""
        return IdleTimer(
            response, self._signal, ends_at=self._end(), idle_timeout=idle_timeout, timeout=self._timeout
        )
