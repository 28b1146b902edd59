"""The in-memory transport for unit tests: a function replaces the browser and the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.errors import ClientClosedError
from .base import DeliveryState
from .response_stream import ResponseStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._protocol.conversation_tree import Turn
    from .base import OutgoingMessage
    from .response_stream import Frame


class MemoryTransport:
    """Calls ``handler`` with each message. The frames that the handler returns become the frames of the response.

    The handler can also raise an error, and it can set ``message.delivery`` itself. If the returned frames do not end the
    response, the response stays open. The test then delivers the other frames with :meth:`deliver` to a stream in
    :attr:`streams`.
    """

    needs_newest_turn = False
    may_renew_session = False
    keeps_message_id = True
    can_resend_refused = True
    unusual_activity_advice = "this is the in-memory transport"

    def __init__(self, handler: Callable[[OutgoingMessage], Iterable[Frame]]) -> None:
        self._handler = handler
        self._is_closed = False
        #: The responses so far, in the order of their messages.
        self.streams: list[ResponseStream] = []
        #: The number of responses that were aborted.
        self.aborted = 0

    async def send(self, message: OutgoingMessage) -> ResponseStream:
        """Call the handler with a message, and return the stream of its frames; see :meth:`Transport.send`."""
        if self._is_closed:
            raise ClientClosedError
        await message.delivery.announce()
        stream = ResponseStream(self)
        self.streams.append(stream)
        frames = self._handler(message)
        if message.delivery.state is DeliveryState.NOT_STARTED:
            message.delivery.confirm(message.message_id)
        for frame in frames:
            self.deliver(stream, frame)
        return stream

    def deliver(self, stream: ResponseStream, frame: Frame) -> None:
        """Deliver one frame to the stream. If it is the last frame of the response, also end the request."""
        stream.deliver(frame)
        if stream.is_settled:
            stream.request_ended()

    async def shows(self, conversation_id: str, turn: Turn) -> bool:
        """Return False, because this transport has no page that could show a conversation."""
        return False

    async def close(self) -> None:
        """End the open responses with a :class:`ClientClosedError`."""
        self._is_closed = True
        for stream in self.streams:
            if not stream.is_settled:
                stream.fail(ClientClosedError())

    # ---- RequestControl ----------------------------------------------------------------------------------------------

    def grant(self, chars: int) -> None:
        """Do nothing, because all frames are already in memory."""

    def abort(self) -> bool:
        """Count the abort, and return True, because the request has ended."""
        self.aborted += 1
        return True
