"""``AbortController`` and ``AbortSignal`` (the npm API's ``abortSignal``). Both classes are thread-safe."""

from __future__ import annotations

import threading
from asyncio import CancelledError
from typing import TYPE_CHECKING

from .errors import AbortError
from .public import public_type

if TYPE_CHECKING:
    from collections.abc import Callable

#: Exceptions that coroutines and event loops use to end a task or an iteration. An aborted call must not raise such an exception:
#: the caller's task or loop would end, and no error would be reported.
_CONTROL_FLOW = (CancelledError, GeneratorExit, StopAsyncIteration, StopIteration)


@public_type
class AbortSignal:
    """A signal that aborts calls: pass it as ``abort_signal``. An :class:`AbortController` creates the signal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[object, Callable[[], object]] = {}
        self._aborted = False
        self._reason: object = None

    @property
    def aborted(self) -> bool:
        """True if ``abort()`` was called."""
        return self._aborted

    @property
    def reason(self) -> object:
        """The reason that was passed to ``abort()``; None if there was no reason or no call of ``abort()``."""
        return self._reason

    def error(self) -> BaseException:
        """Return the exception that an aborted call raises.

        If the reason is an exception that a call can raise safely, return the reason. In all other cases, return an
        :class:`AbortError`. ``CancelledError``, ``GeneratorExit``, ``StopIteration`` and ``StopAsyncIteration`` are not safe,
        because Python would treat them as the normal end of a task or of a loop.
        """
        reason = self._reason
        if isinstance(reason, BaseException) and not isinstance(reason, _CONTROL_FLOW):
            return reason
        return AbortError(reason)

    def throw_if_aborted(self) -> None:
        """If ``abort()`` was called, raise the exception that :meth:`error` returns."""
        if self._aborted:
            raise self.error()

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Register a listener, and return a function that removes the listener.

        The listener is called once, in the thread that calls ``abort()``. If ``abort()`` has already been called, the listener is
        called immediately.
        """
        key = object()

        with self._lock:
            self._listeners[key] = listener
            too_late = self._aborted

        if too_late:
            listener()

        return lambda: self._forget(key)

    def _forget(self, key: object) -> None:
        with self._lock:
            self._listeners.pop(key, None)

    def _abort(self, reason: object) -> None:
        with self._lock:
            if self._aborted:
                return
            self._aborted, self._reason = True, reason
            listeners = list(self._listeners.values())

        for listener in listeners:
            listener()


@public_type
class AbortController:
    """Aborts every call that received the controller's ``signal`` as ``abort_signal``.

    >>> controller = AbortController()
    >>> controller.abort("enough")
    >>> controller.signal.aborted, controller.signal.reason
    (True, 'enough')
    """

    def __init__(self) -> None:
        self._signal = AbortSignal()

    @property
    def signal(self) -> AbortSignal:
        """The signal of this controller. Pass this signal to calls as the argument ``abort_signal``."""
        return self._signal

    def abort(self, reason: object = None) -> None:
        """Abort every call that got the signal. This method is thread-safe. Only the first call has an effect."""
        self._signal._abort(reason)
