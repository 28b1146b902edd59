"""One piece of work for however many callers ask for it at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import ClientClosedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs ``work`` once for all who ask while it runs. A caller who is cancelled leaves the others their result."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a run has begun and not ended."""
        return self._task is not None and not self._task.done()

    def begin(self) -> asyncio.Task[T]:
        """The run that is under way, or a new one; nobody has to wait for it."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(_heard)
        return self._task

    async def __call__(self) -> T:
        """Join the run that is under way, or begin one.

        :raises Exception: what the work raises, to each who waited for it.
        :raises ClientClosedError: it was ended by :meth:`cancel`.
        """
        run = self.begin()
        await asyncio.wait([run])
        if run.cancelled():
            raise ClientClosedError  # and no CancelledError, which would look like the caller's own
        return run.result()

    async def cancel(self) -> None:
        """End the run that is under way, if any, and wait until it has cleaned up."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> T:
        return await self._work()


def _heard(task: asyncio.Task[T]) -> None:
    """Everybody who waited may have left: then nobody else fetches the error, and asyncio would complain."""
    if not task.cancelled():
        task.exception()
