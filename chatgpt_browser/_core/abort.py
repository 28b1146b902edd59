"""``AbortController`` and its signal, as the document's ``abortSignal`` expects them: safe to use from any thread."""

from __future__ import annotations

import threading
from asyncio import CancelledError
from typing import TYPE_CHECKING

from .errors import AbortError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AbortController", "AbortSignal"]

#: What coroutines and loops speak among themselves: raised by a call, it would not come out as what it is.
_NOT_FOR_CALLERS = (CancelledError, GeneratorExit, StopAsyncIteration, StopIteration)


class AbortSignal:
    """Tells the calls that were given it when to stop. Made by an :class:`AbortController`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[object, Callable[[], object]] = {}
        self._aborted = False
        self._reason: object = None

    @property
    def aborted(self) -> bool:
        """Whether ``abort()`` has been called."""
        return self._aborted

    @property
    def reason(self) -> object:
        """What ``abort()`` was given, or None."""
        return self._reason

    def error(self) -> BaseException:
        """What a caller gets: the reason itself where it is an exception, else an :class:`AbortError` of it.

        An :class:`AbortError`, too, of those exceptions that end a task, a generator or an iteration without a word.
        """
        reason = self._reason
        if isinstance(reason, BaseException) and not isinstance(reason, _NOT_FOR_CALLERS):
            return reason
        return AbortError(reason)

    def throw_if_aborted(self) -> None:
        """Raise what a caller gets, if ``abort()`` has been called."""
        if self._aborted:
            raise self.error()

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call ``listener`` once, in the thread that aborts: at once if ``abort()`` has been called, else when it is.

        What comes back stops that.
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


class AbortController:
    """Ends the calls that hold its ``signal``.

    >>> controller = AbortController()
    >>> controller.abort("enough")
    >>> controller.signal.aborted, controller.signal.reason
    (True, 'enough')
    """

    def __init__(self) -> None:
        self._signal = AbortSignal()

    @property
    def signal(self) -> AbortSignal:
        """What is given to a call as ``abort_signal``."""
        return self._signal

    def abort(self, reason: object = None) -> None:
        """End the calls, from any thread. Only the first time counts."""
        self._signal._abort(reason)
