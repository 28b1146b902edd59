"""The response to one request: its state, and the queue of its frames. A transport fills this queue, and a reader empties it."""

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

#: One part of a response, as a list ``[kind, ...]``. The kinds, with their fields in parentheses:
#: ``head`` (a :class:`Head`), ``events`` (a list of reduced events, and their size in characters),
#: ``text`` (a piece of the body, and its size), ``bytes`` (a piece of a download in Base64, and its size),
#: ``alive`` (no fields: bytes have arrived, but no complete event), ``end`` (no fields)
#: and ``error`` (the phase ``"head"`` or ``"body"``, the name of the error, and its message).
Frame = list[Any]

#: Minimum number of characters for a call of :meth:`RequestControl.grant`. Each call needs one command to the browser, so many
#: calls with small numbers would be expensive.
_GRANT_SIZE = 1 << 20


class RequestControl(Protocol):
    """The interface with which a stream controls its request in the transport. No method waits."""

    def grant(self, chars: int) -> None:
        """Allow the page to deliver ``chars`` more characters of the response. The page stops reading after these."""
        ...

    def abort(self) -> bool:
        """Abort the request, and stop the site's work on the reply. Do not wait until the request and the reply have ended.

        Return True if the request and the reply have already ended. If this method returns False, the transport calls
        :meth:`ResponseStream.end` when they have ended.
        """
        ...


class ResponseState(Enum):
    """The states of a :class:`ResponseStream`, in chronological order."""

    #: The request was sent, but no response has arrived yet.
    WAITING = 0
    #: The head of the response has arrived.
    STREAMING = 1
    #: The last frame has arrived, the request was aborted, or the request has failed. No more frames are delivered, unless
    #: :meth:`ResponseStream.resume` is called.
    SETTLED = 2
    #: The site has stopped working on the request, so the next message may be sent.
    OVER = 3


# Shortcuts, because the state is compared for each frame: in Python 3.11, the lookup of `ResponseState.OVER` takes as long as the
# comparison itself.
_SETTLED, _OVER = ResponseState.SETTLED, ResponseState.OVER


class ResponseStream:
    """The response to one request, as a queue of frames. Only this class decides when the stream is over.

    The normal order of the states::

        WAITING --head--> STREAMING --last frame, failure or abort--> SETTLED --request ended--> OVER

    If the request fails or is aborted before the head arrives, the stream goes directly from WAITING to SETTLED.

    The site may continue the reply outside the response: always after a hand-off (:attr:`is_handed_off`), and sometimes after
    the response has ended early (:attr:`may_continue`). In both cases, the stream stays SETTLED after its request has ended. If
    the transport finds the rest of the reply elsewhere (in a "feed"), the stream is STREAMING again::

        SETTLED --resume()--> STREAMING --last frame of the feed--> SETTLED

    If the site continues the reply in one of these ways, the stream becomes OVER after the reader has called :meth:`leave`:
    immediately if the reader has the whole reply, and otherwise when the transport has aborted the reply.

    All methods must be called in one event loop.
    """

    def __init__(self, control: RequestControl) -> None:
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._frames: deque[Frame] = deque()
        self._failure: BaseException | None = None
        self._interruption: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._frame_waiter: asyncio.Future[None] | None = None
        self._ungranted = 0
        self._has_reader = True
        self._callbacks: list[Callable[[], object]] = []
        self.state: ResponseState = ResponseState.WAITING
        #: True if an event has announced that the site may continue the reply outside this response.
        self.is_handed_off: bool = False
        #: True if the site's page may continue the reply by itself, although the response has ended early.
        self.may_continue = False
        #: The time at which the newest frame arrived, in seconds of the event loop's clock.
        self.arrived_at: float = self._loop.time()

    @property
    def is_settled(self) -> bool:
        """True if no more frames are delivered. A call of :meth:`resume` can change this."""
        return self.state is _SETTLED or self.state is _OVER

    @property
    def is_over(self) -> bool:
        """True if the site has stopped working on this request."""
        return self.state is ResponseState.OVER

    @property
    def is_awaited(self) -> bool:
        """True if a reader is waiting for a frame."""
        return self._waiter is not None

    def when_over(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` when the stream is over. If it is already over, call ``callback`` immediately.

        The callbacks are called in the order of their registration.
        """
        if self.is_over:
            callback()
        else:
            self._callbacks.append(callback)

    # ---- for the transport -------------------------------------------------------------------------------------------

    def deliver(self, frame: Frame) -> None:
        """Add a frame to the reader's queue. Drop the frame if it comes after the last frame or after an abort."""
        if frame[0] == "events":
            # Most items are strings: reduced events, which only append text to the previous event. They cannot be a hand-off.
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
        """End the request with an error. :meth:`receive` first returns all frames that have arrived, and then raises the error.

        If this method is called several times, only the first error is used.
        """
        self._failure = self._failure or failure
        if not self.is_settled:
            self.state = ResponseState.SETTLED
        self._wake()
        self.request_ended()

    def request_ended(self) -> None:
        """Record that the HTTP request has ended.

        If the reader still reads, and the site may continue the reply outside the response, the stream stays SETTLED. Otherwise,
        it becomes OVER.
        """
        if not (self._has_rest and self._has_reader):
            self.end()

    def resume(self) -> bool:
        """Accept frames again, because a feed continues the reply. Return False if no reader needs the frames."""
        is_wanted = self._has_rest and self._has_reader and self._failure is None
        if self.state is ResponseState.SETTLED and is_wanted:
            self.state = ResponseState.STREAMING
        return is_wanted and self.state is ResponseState.STREAMING

    def end(self) -> None:
        """Record that the site has stopped working on this request, and call the callbacks of :meth:`when_over`."""
        self.state = ResponseState.OVER
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    @property
    def _has_rest(self) -> bool:
        """True if the site may continue the reply outside the response."""
        return self.is_handed_off or self.may_continue

    def abort_request(self) -> None:
        """Abort the request through the transport, even if the last frame has arrived already."""
        if self._control.abort():
            self.end()

    # ---- for the reader ----------------------------------------------------------------------------------------------

    async def receive(self) -> Frame:
        """Wait for the next frame and return it.

        :raises BaseException: the error that was passed to :meth:`interrupt`; or, after all frames were returned, the error that
            was passed to :meth:`fail`.
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
            # A copy is raised, because several streams may have failed with the same exception object.
            raise copy.copy(self._failure)

        frame = self._frames.popleft()
        if frame[0] in ("events", "text", "bytes"):
            self._grant(frame[2])
        return frame

    @property
    def has_frames(self) -> bool:
        """True if a frame has arrived that the reader has not yet received."""
        return bool(self._frames)

    async def wait_for_frames(self, timeout: float) -> bool:
        """Wait until a frame can be received, at most ``timeout`` seconds. Return whether a frame can be received.

        An error or an interruption does not end the wait.
        """
        if not self._frames:
            self._frame_waiter = self._loop.create_future()
            try:
                await asyncio.wait([self._frame_waiter], timeout=timeout)
            finally:
                self._frame_waiter = None
        return self.has_frames

    def interrupt(self, reason: BaseException) -> None:
        """Make :meth:`receive` raise ``reason``. A call that is waiting raises it immediately. Otherwise the next call raises it.

        If this method is called several times, only the first reason is used.
        """
        self._interruption = self._interruption or reason
        self._wake()

    def abort(self) -> None:
        """Abort the request, unless its whole response has already arrived. Do not wait until the request has ended."""
        if not self.is_settled:
            self.state = ResponseState.SETTLED
            self.abort_request()

    def leave(self, *, finished: bool) -> None:
        """Stop reading. Abort the request if it is still in flight.

        If ``finished`` is False, the reader does not have the whole reply. Then also stop a reply that the site continues outside
        the response.
        """
        self._has_reader = False
        if not self.is_settled:
            self.abort()
        elif self._has_rest and not self.is_over:
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
        for waiter in (self._waiter, self._frame_waiter if self._frames else None):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)


def _is_last(frame: Frame) -> bool:
    if frame[0] == "events":
        event = frame[1][-1]
        return isinstance(event, dict) and event.get("data") == DONE
    return frame[0] in ("end", "error")
