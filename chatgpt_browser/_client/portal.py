"""A thread with its own event loop, in which the synchronous client runs coroutines."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future, wait
from typing import TYPE_CHECKING, Any, TypeVar, cast

from anyio.from_thread import BlockingPortal, start_blocking_portal

from .._core.errors import ClientClosedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

#: pytest hides the frames of this module.
__tracebackhide__ = True

T = TypeVar("T")

#: Seconds that a cancelled call may take to clean up. A second Ctrl-C ends this wait.
_CLEANUP_TIMEOUT = 5.0


class _Raised:
    """An exception that a call raised, passed on as a value."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Portal:
    """Runs coroutines for callers in other threads.

    The thread starts at the first call and ends at :meth:`close`. Callers may be inside an event loop of their own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._manager: AbstractContextManager[BlockingPortal] | None = None
        self._portal: BlockingPortal | None = None
        self._closed = False
        self._thread: int | None = None

    def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run ``function(*args)`` and return its result.

        An exception in the waiting thread, such as Ctrl-C, cancels the coroutine first.

        :raises ClientClosedError: The portal has been closed.
        """
        with self._lock:
            future = self._started().start_task_soon(self._run, function, args)
        outcome = _result(future)
        if isinstance(outcome, _Raised):
            raise outcome.error
        return cast("T", outcome)

    async def _run(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> T | _Raised:
        self._thread = threading.get_ident()
        try:
            return await function(*args)
        except (KeyboardInterrupt, SystemExit) as exc:
            return _Raised(exc)  # raised here, it would end the event loop and all other calls

    def close(self, last: Callable[[], Awaitable[object]]) -> None:
        """Run ``last``, then end the thread. Further calls wait until the first has ended."""
        if threading.get_ident() == self._thread:
            # The garbage collector may finalise a client in the portal's own thread, which cannot wait for its own end.
            threading.Thread(target=self.close, args=(last,), name="chatgpt_browser closes").start()
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            manager, portal = self._manager, self._portal
            if manager is None or portal is None:
                return
            try:
                _result(portal.start_task_soon(last))
            finally:
                # An exception makes the portal cancel calls that still run. A call may be left if Ctrl-C interrupted its caller
                # while the call was being submitted.
                closed = ClientClosedError()
                manager.__exit__(type(closed), closed, None)

    def _started(self) -> BlockingPortal:
        if self._closed:
            raise ClientClosedError
        if self._portal is None:
            self._manager = start_blocking_portal("asyncio", name="chatgpt_browser")
            self._portal = self._manager.__enter__()
        return self._portal


def _result(future: Future[T]) -> T:
    try:
        return future.result()
    except CancelledError:
        raise ClientClosedError from None
    except BaseException:
        if not future.done():
            future.cancel()
            wait([future], _CLEANUP_TIMEOUT)
        raise
