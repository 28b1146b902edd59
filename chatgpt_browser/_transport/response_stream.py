"""The response to one request: a queue of frames between a transport and its reader, and the state of the request."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from .._protocol.event_assembler import is_handoff
from .._protocol.sse import DONE

if TYPE_CHECKING:
    from collections.abc import Callable

#: One message from a transport, ``[kind, ...]``. The kinds, with their fields:
#: ``head`` (a :class:`Head`), ``events`` (reduced events, their size in characters),
#: ``text`` (a piece of the body, its size), ``alive`` (no fields; bytes arrived, but no whole event), ``end`` (no fields) and
#: ``error`` (``"head"`` or ``"body"``, the name of the error, its message).
Frame = list[Any]

#: Characters that are read before the page is allowed to send more. Each grant is a message to the browser.
_GRANT_SIZE = 1 << 20


class RequestControl(Protocol):
    """The transport's side of one request. No method blocks."""

    def grant(self, chars: int) -> None:
        """Allow the page to send so many more characters."""
        ...

    def abort(self) -> bool:
        """Begin to end everything that the site still does for this request.

        Return True if that has ended already. Otherwise the transport calls :meth:`ResponseStream.end` later.
        """
        ...


class ResponseState(Enum):
    """The states of a :class:`ResponseStream`, in order."""

    #: Sent, no response yet.
    WAITING = 0
    #: The head of the response has arrived.
    STREAMING = 1
    #: The last frame has arrived: nothing more will be delivered.
    SETTLED = 2
    #: The site does nothing more for the request: the next message may be sent.
    OVER = 3


class ResponseStream:
    """The response to one request, as a queue of frames. This class alone decides when a message is over.

    States (an abort or a failure leads from WAITING directly to SETTLED)::

        WAITING --head--> STREAMING --last frame, failure or abort--> SETTLED --request ended--> OVER

    After a hand-off, the site continues the reply outside the response. Such a stream stays SETTLED, although its request has
    ended, until its reader leaves: it is over then, or after the transport has stopped the reply.

    All methods are called in one event loop.
    """

    def __init__(self, control: RequestControl) -> None:
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._frames: deque[Frame] = deque()
        self._failure: BaseException | None = None
        self._interruption: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ungranted = 0
        self._has_reader = True
        self._callbacks: list[Callable[[], object]] = []
        #: The current state.
        self.state = ResponseState.WAITING
        #: True once an event of the stream may be a hand-off.
        self.is_handed_off = False
        #: The loop's time at which the newest frame arrived, in seconds.
        self.arrived_at = self._loop.time()

    @property
    def is_settled(self) -> bool:
        """True if nothing more will be delivered."""
        return self.state.value >= ResponseState.SETTLED.value

    @property
    def is_over(self) -> bool:
        """True if the site does nothing more for this request."""
        return self.state is ResponseState.OVER

    @property
    def is_awaited(self) -> bool:
        """True if a reader is waiting for a frame."""
        return self._waiter is not None

    def when_over(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once the stream is over: at once if it is over already. Callbacks run in the order given."""
        if self.is_over:
            callback()
        else:
            self._callbacks.append(callback)

    # ---- for the transport -------------------------------------------------------------------------------------------

    def deliver(self, frame: Frame) -> None:
        """Queue a frame for the reader. Frames after the last one, or after an abort, are dropped."""
        if frame[0] == "events":
            # Most events are strings, which are more text of the event before.
            self.is_handed_off = self.is_handed_off or any(
                is_handoff(item) for item in frame[1] if item.__class__ is dict
            )
        if self.is_settled:
            return
        self.arrived_at = self._loop.time()
        self._frames.append(frame)
        if frame[0] == "head":
            self.state = ResponseState.STREAMING
        if _is_last(frame):
            self.state = ResponseState.SETTLED
        self._wake()

    def fail(self, failure: BaseException) -> None:
        """End the request with an error, which the reader gets after the frames that have arrived. The first error counts."""
        self._failure = self._failure or failure
        if not self.is_settled:
            self.state = ResponseState.SETTLED
        self._wake()
        self.request_ended()

    def request_ended(self) -> None:
        """Record that the HTTP request has ended. The stream is over, unless the site continues the reply after a hand-off."""
        if not (self.is_handed_off and self._has_reader):
            self.end()

    def end(self) -> None:
        """Record that the site does nothing more for this request, and call the callbacks."""
        self.state = ResponseState.OVER
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def abort_request(self) -> None:
        """Have the transport end the request, also after the last frame."""
        if self._control.abort():
            self.end()

    # ---- for the reader ----------------------------------------------------------------------------------------------

    async def receive(self) -> Frame:
        """Wait for the next frame and return it.

        :raises BaseException: the error given to :meth:`interrupt`; or that given to :meth:`fail`, after the last frame.
        """
        while self._interruption is None and not self._frames and self._failure is None:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

        if self._interruption is not None:
            raise self._interruption
        if not self._frames and self._failure is not None:
            raise copy.copy(self._failure)  # the same exception may be raised from many streams

        frame = self._frames.popleft()
        if frame[0] in ("events", "text"):
            self._grant(frame[2])
        return frame

    def interrupt(self, reason: BaseException) -> None:
        """Raise ``reason`` in the reader, now or at its next call of :meth:`receive`. The first reason counts."""
        self._interruption = self._interruption or reason
        self._wake()

    def abort(self) -> None:
        """End the request unless all of its response has arrived. Does not wait."""
        if not self.is_settled:
            self.state = ResponseState.SETTLED
            self.abort_request()

    def leave(self, *, finished: bool) -> None:
        """Stop reading. End the request, and a reply that continues after a hand-off unless that is ``finished``."""
        self._has_reader = False
        if not self.is_settled:
            self.abort()
        elif self.is_handed_off and not self.is_over:
            if finished or self._failure is not None:
                self.end()
            else:
                self.abort_request()

    def _grant(self, chars: int) -> None:
        self._ungranted += chars
        if self._ungranted >= _GRANT_SIZE and not self.is_settled:
            self._control.grant(self._ungranted)
            self._ungranted = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _is_last(frame: Frame) -> bool:
    if frame[0] == "events":
        event = frame[1][-1]
        return isinstance(event, dict) and event.get("data") == DONE
    return frame[0] in ("end", "error")
