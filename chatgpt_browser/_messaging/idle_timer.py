"""A timer that interrupts the reader of a response at the deadline, after an abort, or if no data arrives."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from .._core.errors import ChatGPTTimeoutError

if TYPE_CHECKING:
    from .._core.abort import AbortSignal
    from .._transport.response_stream import ResponseStream


class IdleTimer:
    """Interrupts the reader of a response at the deadline, after an abort, and if no frame arrives in time.

    One timer serves all events, because setting a timer for each event would take more time than reading the event. The timer
    holds no reference to the reply stream, so that a stream without other references can be garbage-collected.
    """

    def __init__(
        self,
        response: ResponseStream,
        signal: AbortSignal,
        *,
        ends_at: float,
        idle_timeout: float,
        timeout: float | None = None,
    ) -> None:
        self._timeout = timeout
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
        """Raise an error if the deadline has passed or the signal was aborted. This method is thread-safe.

        The timer can interrupt a reader only while the reader waits for a frame. Therefore a caller that processes many events
        without waiting must call this method.

        :raises ChatGPTTimeoutError: the deadline has passed.
        :raises BaseException: the signal was aborted. The error is the result of :meth:`AbortSignal.error`.
        """
        self._signal.throw_if_aborted()
        if self._loop.time() >= self._ends_at:
            raise self._deadline_error()

    def _abort(self) -> None:
        with suppress(RuntimeError):  # If the event loop is closed, no task reads the response any more.
            self._loop.call_soon_threadsafe(self._response.interrupt, self._signal.error())

    def _deadline_error(self) -> ChatGPTTimeoutError:
        return ChatGPTTimeoutError(limit="timeout_ms", seconds=self._timeout)

    def _set(self, idle_at: float) -> None:
        due = min(self._ends_at, idle_at)
        self._timer = None if math.isinf(due) else self._loop.call_at(due, self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        idle_at = self._response.arrived_at + self._idle_timeout

        if now >= self._ends_at:
            self._response.interrupt(self._deadline_error())
        elif now < idle_at:
            self._set(idle_at)
        elif self._response.is_awaited:
            silence = f"nothing came for {self._idle_timeout:g} s"
            message = f"ChatGPT timed out waiting for response: {silence}"
            error = ChatGPTTimeoutError(message, limit="idle_timeout", seconds=self._idle_timeout)
            self._response.interrupt(error)
        else:
            # No reader waits for a frame. So the caller is slow, not the site. Check again later.
            self._set(now + self._idle_timeout)
