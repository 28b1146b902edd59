"""A task that concurrent callers share: all callers wait for the same run and get the same result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import ClientClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs ``work`` once for all concurrent callers. If one caller is cancelled, the other callers still get the result."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None

    @property
    def is_under_way(self) -> bool:
        """True while a run is in progress."""
        return self._task is not None and not self._task.done()

    def begin(self) -> asyncio.Task[T]:
        """Return the task of the current run. If no run is in progress, start a run first. The caller need not await the task."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())
            self._task.add_done_callback(_retrieve_exception)
        return self._task

    async def __call__(self) -> T:
        """Wait for the current run and return its result. If no run is in progress, start a run first.

        :raises Exception: the exception that ``work`` raised. Every waiting caller gets this exception.
        :raises ClientClosedError: the run was cancelled by :meth:`cancel`.
        """
        run = self.begin()
        await asyncio.wait([run])
        if run.cancelled():
            raise ClientClosedError  # With a CancelledError, asyncio would treat the caller's task as cancelled.
        return run.result()

    async def cancel(self) -> None:
        """If a run is in progress, cancel it and wait until it has ended."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])


def _retrieve_exception(task: asyncio.Task[T]) -> None:
    """Retrieve the exception of a task, so that asyncio does not log an unretrieved exception if all callers were cancelled."""
    if not task.cancelled():
        task.exception()
