"""What may end a call from outside: its time, and its abort signal."""

from __future__ import annotations

import asyncio
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from ._abort import AbortSignal
from ._errors import ChatGPTTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Watch"]


class Watch:
    """Over one call: everything in it that waits, waits under :meth:`over`."""

    def __init__(self, timeout: float, signal: AbortSignal | None) -> None:
        self._timeout = timeout
        self._signal = signal or AbortSignal()
        self._ends_at: float | None = None

    @contextmanager
    def over(
        self, *, until: float = math.inf, late: Callable[[], Exception] = ChatGPTTimeoutError
    ) -> Iterator[None]:
        """Cancel the block when the call's time is up, when its signal says so, or at the loop's time ``until``.

        The call's time runs from the first block.

        :raises ChatGPTTimeoutError: the call's time is up.
        :raises BaseException: the signal's reason; what ``late`` makes where ``until`` came first.
        """
        loop = asyncio.get_running_loop()
        if self._ends_at is None:
            self._ends_at = loop.time() + self._timeout

        self._signal.throw_if_aborted()
        with anyio.CancelScope(deadline=min(until, self._ends_at)) as scope:
            with self._signal.listening(lambda: loop.call_soon_threadsafe(scope.cancel)):
                yield

        if scope.cancelled_caught:
            self._signal.throw_if_aborted()
            raise late() if until < self._ends_at else ChatGPTTimeoutError()
