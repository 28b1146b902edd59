"""Background tasks: asyncio tasks that no caller awaits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


async def cancel_tasks(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended. Their exceptions are ignored.

    If the caller is cancelled meanwhile, its own ``CancelledError`` is raised. `asyncio.gather` is not used, because it would
    raise the ``CancelledError`` of a task instead. A cancel scope of anyio suppresses only the caller's own error.
    """
    for task in tasks:
        task.add_done_callback(_retrieve_exception)
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


class BackgroundTasks:
    """A set of running tasks. The set keeps a reference to each task until the task has ended.

    The event loop keeps only weak references to tasks. Without the reference in this set, a task may be garbage-collected before
    it ends.
    """

    def __init__(self, on_error: Callable[[Exception], object] | None = None) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_error = on_error

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task and return it. If the task fails, the set's callback ``on_error`` is called with the exception.

        For a cancelled task, ``on_error`` is not called.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def cancel(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        await cancel_tasks(*self._tasks)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and self._on_error is not None:
            self._on_error(error)


def _retrieve_exception(task: asyncio.Future[Any]) -> None:
    """Retrieve the exception of a task, so that asyncio does not log an unretrieved exception."""
    if not task.cancelled():
        task.exception()
