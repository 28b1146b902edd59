"""The rest of a reply that the page receives after the response to its message has ended.

There are three cases: the response ends with a hand-off (an event that announces that the rest follows elsewhere), the response
breaks off, or the response is a document (JSON or HTML) that announces the reply. In these cases, the site's page either requests
the rest (``f/conversation/resume``) or receives the rest over its WebSocket. Such a request or WebSocket is called a feed here.
The events of the feeds are delivered to the same stream as the response. If there is no feed, the reader of the stream polls the
conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._core.log import logger
from ..._protocol.continuation import (
    Origin,
    ReadEvents,
    SocketItem,
    read_document,
    read_handoff,
    read_resume_token,
    read_socket_frame,
)
from ..._protocol.sse import DONE, EventReader

if TYPE_CHECKING:
    from ..response_stream import Frame, ResponseStream

#: The maximum number of characters that are stored of a JSON document, if the site responds with one instead of a stream. A
#: document that says where the reply can be read is shorter.
_MAX_DOCUMENT = 1 << 16


class ReplyContinuation:
    """Delivers the events of a reply that arrive through a later request or a WebSocket (a feed) of the page.

    While the response to the message has not ended, such events are kept. If there are several feeds, only the first delivers
    events. The others are ignored until it has ended. A feed has the id of its request or of its WebSocket.
    """

    def __init__(self, stream: ResponseStream) -> None:
        self._stream = stream
        self._origin = Origin()
        self._can_resume = False
        self._read = ReadEvents()
        self._document = ""
        self._is_done = False
        #: True after :meth:`begin` was called: the response to the message has ended, and the feeds may deliver.
        self.has_begun = False
        self._early: list[tuple[str, Frame | SocketItem, int]] = []
        #: True after a feed has delivered the end of the reply.
        self.is_complete = False
        #: The id of the feed that delivers now, or None if no feed delivers.
        self._feed: str | None = None
        self._socket_events = EventReader()
        self._items: set[str] = set()

    # ---- the response to the message ---------------------------------------------------------------------------------

    def note(self, frame: Frame) -> None:
        """Record a frame of the response to the message."""
        if frame[0] == "events":
            self._read.add(frame[1])
            self._note_events(frame[1])
        elif frame[0] == "text" and len(self._document) < _MAX_DOCUMENT:
            self._document += frame[1]

    def _note_events(self, events: list[dict[str, str]]) -> None:
        for event in events:
            if (origin := read_handoff(event)) is not None:
                self._origin = origin
            elif (origin := read_resume_token(event)) is not None:
                self._origin = self._origin._replace(conversation_id=origin.conversation_id)
                self._can_resume = True
        self._is_done = events[-1]["data"] == DONE

    def begin(self, *, is_canceled: bool) -> None:
        """Let the feeds deliver. First deliver the events that were kept until now.

        This method is called when the response to the message has ended.

        :param is_canceled: True if the page itself has ended the response. Then the page does not request the rest.
        """
        if self.has_begun:
            return
        self.has_begun = True
        if self._document and (origin := read_document(self._document)) is not None:
            self._origin = origin
            self._stream.may_continue = True
        if self._can_resume and not self._is_done and not is_canceled:
            self._stream.may_continue = True
        early, self._early = self._early, []
        for feed, item, offset in early:
            self._receive(feed, item, offset)

    # ---- the feeds ---------------------------------------------------------------------------------------------------

    def add_frame(self, feed: str, frame: Frame, offset: int) -> None:
        """Process a frame of the response to a request for the rest.

        :param offset: the number of events that the page had read before, according to its request.
        """
        self._receive(feed, frame, offset)

    def add_socket_frame(self, event: dict[str, Any]) -> None:
        """Process a ``Network.webSocketFrameReceived`` event."""
        for item in read_socket_frame(event["response"].get("payloadData", "")):
            self._receive(event["requestId"], item, 0)

    def close_socket(self, event: dict[str, Any]) -> None:
        """Process a ``Network.webSocketClosed`` event."""
        self._receive(event["requestId"], ["end"], 0)

    def _receive(self, feed: str, item: Frame | SocketItem, offset: int) -> None:
        if not self.has_begun:
            self._early.append((feed, item, offset))
        elif isinstance(item, SocketItem):
            self._receive_item(feed, item)
        elif item[0] == "head":
            head = item[1]
            if not head.ok or head.is_document or self._feed is not None:
                return
            if self._read.resume_at(offset):
                self._open(feed)
            else:
                logger.debug("the page has read events that did not arrive here: its stream is not used")
        elif feed == self._feed:
            if item[0] == "events":
                item = ["events", self._read.without_overlap(item[1]), item[2]]
            self._deliver(item)

    def _receive_item(self, feed: str, item: SocketItem) -> None:
        if not item.belongs_to(self._origin) or item.id in self._items:
            return
        if not self._origin.topics and item.topic is not None:
            self._origin = self._origin._replace(topics=frozenset([item.topic]))
        if self._feed is None:
            self._socket_events = EventReader()
            self._open(feed)
        if feed != self._feed:
            return
        if item.id is not None:
            self._items.add(item.id)
        events = self._socket_events.feed(item.data)
        self._deliver(["events", events, len(item.data)] if events else ["alive"])

    def _open(self, feed: str) -> None:
        """If a reader waits for the rest of the reply, make this feed the only feed that delivers."""
        if self._stream.resume():
            self._feed = feed
            logger.debug("the page receives the rest of the reply: reading it there")

    def _deliver(self, frame: Frame) -> None:
        if frame[0] == "events":
            if not frame[1]:
                return
            self._note_events(frame[1])
            self.is_complete = self._is_done
        is_last = self.is_complete or frame[0] in ("end", "error")
        if is_last:
            self._feed = None
        self._stream.deliver(frame)
        if is_last:
            self._stream.request_ended()
