"""A thread with its own event loop. The synchronous client runs coroutines in this event loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future, wait
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from .._core.errors import ClientClosedError
from .._core.process_guard import ProcessGuard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True

T = TypeVar("T")

#: The longest wait in seconds for a cancelled call to clean up. A second Ctrl-C ends this wait.
_CLEANUP_TIMEOUT = 5.0


class _Raised:
    """Contains an exception, so that a coroutine can return the exception instead of raising it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Portal:
    """Runs coroutines in a thread of its own, for callers in other threads.

    The portal's thread starts at the first call and ends at :meth:`close`. A caller's thread may run its own event loop.

    The portal's thread does not exist in a forked process. There, a call could also wait forever for the portal's lock, if a
    thread of the parent process held the lock at the moment of the fork. Therefore each call first checks that this process is
    not a fork.

    anyio has a similar function, ``start_blocking_portal``. It is not used, because at the exit of a forked process, the
    generator of this function would wait for the missing thread.
    """

    def __init__(self) -> None:
        self._process = ProcessGuard()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._portal: BlockingPortal | None = None
        self._closed = False

    def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run the coroutine function ``function(*args)`` in the thread, and return its result.

        If an exception such as Ctrl-C interrupts the waiting caller, the coroutine is cancelled before the exception is raised.

        :raises ClientClosedError: The portal has been closed.
        :raises ForkedProcessError: The thread belongs to the parent process.
        """
        outcome = _result(self._start(function, args))
        if isinstance(outcome, _Raised):
            raise outcome.error
        return outcome

    async def call_async(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run the coroutine function ``function(*args)`` in the portal's thread, without blocking the caller's event loop.

        If the caller is cancelled, the coroutine is cancelled, too.

        :raises ClientClosedError: The portal has been closed.
        :raises ForkedProcessError: The thread belongs to the parent process.
        """
        outcome = await asyncio.wrap_future(self._start(function, args))
        if isinstance(outcome, _Raised):
            raise outcome.error
        return outcome

    def _start(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> Future[T | _Raised]:
        self._process.check()
        with self._lock:
            return self._started().start_task_soon(self._run, function, args)

    async def _run(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> T | _Raised:
        try:
            return await function(*args)
        except (KeyboardInterrupt, SystemExit) as exc:
            # If KeyboardInterrupt or SystemExit were raised here, the event loop would end, and with it all other calls.
            return _Raised(exc)

    def close(self, last: Callable[[], Awaitable[object]]) -> None:
        """Run the coroutine function ``last``, and then end the thread. A second call waits until the first call has ended.

        In a forked process, this method does nothing.
        """
        if self._process.is_forked:
            return
        if threading.current_thread() is self._thread:
            # The garbage collector may finalise a client in the portal's own thread. This thread cannot wait for its own end, so
            # another thread closes the portal.
            threading.Thread(target=self.close, args=(last,), name="chatgpt_browser closes").start()
            return
        with self._lock:
            if self._closed:
                return
            self._closed = True
            portal, thread = self._portal, self._thread
            if portal is None or thread is None:
                return
            try:
                _result(portal.start_task_soon(last))
            finally:
                # This also cancels running calls: a call may still be running after Ctrl-C has interrupted its caller.
                portal.call(portal.stop, True)
                thread.join()

    def _started(self) -> BlockingPortal:
        if self._closed:
            raise ClientClosedError
        if self._portal is None:
            ready: Future[BlockingPortal] = Future()
            # The thread gets a new context. Otherwise Python 3.14 passes the caller's context, which may contain an event loop.
            self._thread = threading.Thread(
                target=Context().run, args=(_run_loop, ready), name="chatgpt_browser", daemon=True
            )
            self._thread.start()
            self._portal = ready.result()
        return self._portal


def _run_loop(ready: Future[BlockingPortal]) -> None:
    """Run an event loop with a portal until the portal is stopped.

    :param ready: the future that receives the portal as its result. If the start fails, the future receives the error instead.
    """

    async def serve() -> None:
        async with BlockingPortal() as portal:
            ready.set_result(portal)
            await portal.sleep_until_stopped()

    try:
        anyio.run(serve)
    except BaseException as exc:
        if ready.done():
            raise
        ready.set_exception(exc)


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
