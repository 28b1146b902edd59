"""One request to the site and its answer, as the page passes it on: a queue of frames between the page and whoever reads."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from .._core.models import Head, Request, Response
from .._protocol.sse import DONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._protocol.event_assembler import ReducedEvent

__all__ = ["ResponseStream", "Frame", "RequestControl", "Transport", "collect", "read_head"]

#: ``[kind, ...]`` as js/page.js describes it, without the exchange's number.
Frame = list[Any]

#: So much is taken off the page's window in one go: each grant is a message to the browser.
_GRANT = 1 << 20
#: In characters. A conversation of years is some megabytes.
_LARGEST_REFUSAL, _LARGEST_ANSWER = 1 << 20, 1 << 28


class RequestControl(Protocol):
    """The way back to the page, for one exchange. Neither verb waits."""

    def grant(self, chars: int) -> None: ...

    def abort(self) -> None: ...

    def leave(self, *, finished: bool) -> None:
        """Nobody reads any more; ``finished`` where the answer was whole, wherever the site went on with it."""

    def when_over(self, callback: Callable[[], object]) -> None:
        """Call back once the request has ended there: after an abort that may take a moment."""


class Transport(Protocol):
    """Whatever carries a request to the site: one verb."""

    def open(self, request: Request) -> ResponseStream: ...


class ResponseStream:
    """Frames in, in order; then an end, or a failure. All calls come from one event loop."""

    def __init__(self, line: RequestControl) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._frames: deque[Frame] = deque()
        self._failure: BaseException | None = None
        self._interruption: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._taken = 0
        self._on_settled: Callable[[], object] | None = None
        self.settled = False
        self.arrived_at = self._loop.time()

    @property
    def unread(self) -> list[ReducedEvent]:
        """The events that are here, and nobody has taken yet."""
        return [item for frame in self._frames if frame[0] == "events" for item in frame[1]]

    @property
    def is_awaited(self) -> bool:
        """Whether somebody is waiting for a frame."""
        return self._waiter is not None

    def when_settled(self, callback: Callable[[], object]) -> None:
        """Call back, once, as soon as the site has said its last word, whether or not anybody has read it yet."""
        if self.settled:
            callback()
        else:
            self._on_settled = callback

    def leave(self, *, finished: bool) -> None:
        """Let go of it: the request is ended where it is under way, and what the site goes on with elsewhere where it can be."""
        self.abort()
        self._line.leave(finished=finished)

    def when_over(self, callback: Callable[[], object]) -> None:
        """Call back, once, when nothing of it is under way at the site any more; at once where nothing is."""
        self._line.when_over(callback)

    def deliver(self, frame: Frame) -> None:
        """Take a frame from the page."""
        self.arrived_at = self._loop.time()
        self._frames.append(frame)
        if _is_last(frame):
            self._settle()
        self._wake()

    def fail(self, failure: BaseException) -> None:
        """No more frames come: whoever reads gets those that are here, then ``failure``."""
        if self._failure is None:
            self._failure = failure
        self._settle()
        self._wake()

    def abort(self) -> None:
        """End the request in the page, without waiting for it."""
        if not self.settled:
            self._line.abort()
        self._settle()

    def interrupt(self, reason: BaseException) -> None:
        """Whoever reads gets ``reason``, now or at the next frame."""
        self._interruption = self._interruption or reason
        self._wake()

    async def receive(self) -> Frame:
        """The next frame.

        :raises BaseException: what :meth:`interrupt` was given; what :meth:`fail` was given, once the frames are used up.
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
            raise copy.copy(self._failure)  # the same one may be raised from many exchanges

        frame = self._frames.popleft()
        if frame[0] in ("events", "text"):
            self._take(frame[2])
        return frame

    def _take(self, chars: int) -> None:
        self._taken += chars
        if self._taken >= _GRANT and not self.settled:
            self._line.grant(self._taken)
            self._taken = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _settle(self) -> None:
        self.settled = True
        callback, self._on_settled = self._on_settled, None
        if callback is not None:
            callback()


def _is_last(frame: Frame) -> bool:
    if frame[0] == "events":
        event = frame[1][-1]
        return isinstance(event, dict) and event.get("data") == DONE
    return frame[0] in ("end", "error")


async def collect(
    exchange: ResponseStream, head: Head | None = None, pieces: list[str] | None = None
) -> Response:
    """The whole answer of an exchange that is no stream. Its head may have been read before; ``pieces`` is filled with its text.

    A refusal is one however much comes of it: where it breaks off, or does not end, what there is of it is enough.

    :raises ConnectionError: the connection broke, with the browser's own message; or the answer is larger than any can be.
    """
    pieces = [] if pieces is None else pieces
    size = 0

    while True:
        kind, *rest = await exchange.receive()
        if kind == "head":
            head = read_head(rest[0])
        elif kind == "text":
            pieces.append(rest[0])
            size += len(rest[0])
            if head is not None and not head.ok and size > _LARGEST_REFUSAL:
                return Response(head, "".join(pieces))
            if size > _LARGEST_ANSWER:
                raise ConnectionError(f"the answer goes on after {size:,} characters")
        elif kind == "error":
            if head is not None and not head.ok:
                return Response(head, "".join(pieces))
            raise ConnectionError(rest[2])
        elif kind == "end" and head is not None:
            return Response(head, "".join(pieces))


def read_head(fields: dict[str, Any]) -> Head:
    """The head frame as a :class:`Head`."""
    return Head(
        status=fields["status"],
        status_text=fields["statusText"],
        headers=fields["headers"],
        redirected=fields["redirected"],
    )
