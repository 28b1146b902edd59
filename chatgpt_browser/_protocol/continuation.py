"""Reads the rest of a reply, if the site delivers the rest outside the response to the message.

Usually, an event of this response (the hand-off) announces this. The site delivers the rest in one of two ways:

* The page requests the rest (``f/conversation/resume``). The response is a stream of events.
* The page subscribes to a topic of its WebSocket. Each item of the topic contains events as text.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from .site_json import parse_json_or_none
from .sse import DONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A WebSocket frame with events of a reply contains at least one of these texts. A frame with neither text is not parsed.
_MARKS = ('"encoded_item"', '"http.response.body"')
#: The maximum length of an event with a hand-off or a resume token, in characters. A longer event is not examined.
_MAX_NOTICE = 1 << 15
#: The number of newest events whose hashes are stored for a reply, to identify the events that a resumed stream repeats.
_REMEMBERED = 256


class Origin(NamedTuple):
    """Identifies the rest of a reply: the id of its conversation, and the WebSocket topics that deliver the rest."""

    conversation_id: str | None = None
    topics: frozenset[str] = frozenset()


class SocketItem(NamedTuple):
    """A part of a reply in a frame of a WebSocket. ``data`` contains bytes of an event stream."""

    data: bytes
    topic: str | None = None
    conversation_id: str | None = None
    #: The id of the item; None if the site has sent no id. If the site delivers the item twice, both copies have the same id.
    id: str | None = None

    def belongs_to(self, origin: Origin) -> bool:
        """Return whether the item belongs to the reply with this origin.

        If the reply's topics are known and the item has a topic, the topics are compared. Otherwise, the ids of the conversations
        are compared.
        """
        if origin.topics and self.topic is not None:
            return self.topic in origin.topics
        if origin.conversation_id is None:
            return False
        if self.conversation_id is not None:
            return self.conversation_id == origin.conversation_id
        return f'"{origin.conversation_id}"'.encode() in self.data


def read_handoff(item: Any) -> Origin | None:
    """If an unparsed event is a hand-off, return the origin of the rest of the reply. For any other event, return None."""
    event = _notice(item, "stream_handoff")
    if event is None:
        return None
    options = event.get("options")
    named = (
        [option.get("topic_id") for option in options if isinstance(option, dict)]
        if isinstance(options, list)
        else []
    )
    topics = {topic for topic in named if isinstance(topic, str)}
    if isinstance(turn := event.get("turn_exchange_id"), str):
        topics.add(f"conversation-turn-{turn}")
    return Origin(_text(event.get("conversation_id")), frozenset(topics))


def read_resume_token(item: Any) -> Origin | None:
    """If an unparsed event contains a resume token, return the origin of the rest of the reply. Otherwise return None.

    The token itself is a secret, so it is not returned.
    """
    event = _notice(item, "resume_conversation_token")
    return None if event is None else Origin(_text(event.get("conversation_id")))


def read_document(text: str) -> Origin | None:
    """Return where the reply can be read, if the site has responded to a message with a JSON document instead of a stream.

    Return None if the document is an error or contains no conversation id.
    """
    data = parse_json_or_none(text)
    if not isinstance(data, dict) or data.get("detail") or data.get("error"):
        return None
    conversation_id = _text(data.get("conversation_id"))
    return None if conversation_id is None else Origin(conversation_id)


def read_socket_frame(payload: str) -> list[SocketItem]:
    """Return the parts of replies in a text frame of a WebSocket. If the frame contains no such part, the list is empty."""
    if not any(mark in payload for mark in _MARKS):
        return []
    return [*_items(parse_json_or_none(payload), None)]


def _items(value: Any, topic: str | None) -> Iterator[SocketItem]:
    """Yield the items in a WebSocket message, in a list of such messages, or in the response to a subscription (``catchups``).

    ``topic`` is the topic of the enclosing message. It is used for an item without a topic.
    """
    if isinstance(value, list):
        for each in value:
            yield from _items(each, topic)
        return
    if not isinstance(value, dict):
        return
    topic = _text(value.get("topic_id")) or topic
    if isinstance(encoded := value.get("encoded_item"), str):
        # If the empty line at the end of the event is missing, the two line feeds replace it. Otherwise they have no effect.
        yield SocketItem(
            f"{encoded}\n\n".encode("utf-8", "replace"),
            topic,
            _text(value.get("conversation_id")),
            _item_id(value),
        )
    elif value.get("type") == "http.response.body" and isinstance(body := value.get("body"), str):
        try:
            data = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            data = body.encode("utf-8", "replace")
        yield SocketItem(data, topic, _text(value.get("conversation_id")))
    else:
        for name in ("reply", "catchups", "payload", "data"):
            yield from _items(value.get(name), topic)


def _item_id(value: dict[str, Any]) -> str | None:
    name = value.get("stream_item_id")
    return str(name) if isinstance(name, (str, int)) else None


class ReadEvents:
    """Stores the hashes of the events that were read, to identify the events that a resumed stream repeats.

    The page's request for the rest of the stream contains the number of events that the page has read (``offset``). The page does
    not count the events with a resume token.
    """

    def __init__(self) -> None:
        self._count = 0  # The number of events, not counting hand-offs, `[DONE]` events and resume tokens.
        # The number of hand-offs and `[DONE]` events. If the page counts them too, `offset` exceeds `_count` by this number.
        self._uncounted = 0
        self._newest: deque[int] = deque(maxlen=_REMEMBERED)
        self._overlap: deque[int] = deque()

    def add(self, events: Sequence[Any]) -> None:
        """Store the hashes of events that were read, and count these events."""
        for event in events:
            if event["data"] == DONE or read_handoff(event) is not None:
                self._uncounted += 1
            elif not _is_preamble(event) or (self._count == 0 and event["type"] == "delta_encoding"):
                self._count += 1
                self._newest.append(hash(event["data"]))

    def resume_at(self, offset: int) -> bool:
        """Prepare :meth:`without_overlap` for a stream that resumes after ``offset`` events.

        Return True if the stream fits the events that were already read. Return False in these cases:

        * The stream begins too late: events are missing between the last event that was read and the first event of the stream.
        * The stream begins before the oldest event whose hash is stored.

        If ``offset`` is 0, the stream repeats the whole reply. In this case, no event is removed, because the reader of the reply
        ignores the repeated text.
        """
        overlap = self._count - offset if offset > 0 else 0
        self._overlap = deque([*self._newest][-overlap:] if overlap > 0 else [])
        return offset <= self._count + self._uncounted and overlap <= len(self._newest)

    def without_overlap(self, events: Sequence[Any]) -> list[Any]:
        """Return the events that were not read before the stream was resumed, and store their hashes."""
        fresh = []
        for event in events:
            if self._overlap and not _is_preamble(event):
                if self._overlap.popleft() == hash(event["data"]):
                    continue
                self._overlap.clear()
                # The event is not repeated, so `offset` did not fit. It is unknown which events are repeated: keep all from here
                # on.
            fresh.append(event)
        self.add(fresh)
        return fresh


def _is_preamble(event: Any) -> bool:
    """Return whether an event belongs to the start of a stream: it contains the name of the encoding, or a resume token."""
    return event["type"] == "delta_encoding" or read_resume_token(event) is not None


def _notice(item: Any, kind: str) -> dict[str, Any] | None:
    """Return the parsed JSON of an event if its ``type`` is ``kind``, else None."""
    data = item.get("data", "") if isinstance(item, dict) else ""
    event = parse_json_or_none(data) if len(data) < _MAX_NOTICE and f'"{kind}"' in data else None
    return event if isinstance(event, dict) and event.get("type") == kind else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
