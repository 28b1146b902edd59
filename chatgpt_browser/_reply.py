"""A reply as it grows: reduced events in, whole text and ids out. Pure: no I/O, no clock.

The page passes on of each event only what is new in it (``js/page.js``, EventReader). :class:`EventLog` puts an event together
again, to the byte, when somebody asks for it; :class:`Reply` follows the text without doing so.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ._errors import MalformedEventError, StreamError, StreamInterruptedError
from ._protocol import DONE

__all__ = ["EventLog", "ReducedEvent", "Reply"]

#: The forms in which the page passes an event on: see EventReader in js/page.js.
ReducedEvent = str | list[str] | dict[str, str]

_decode = json.JSONDecoder(strict=False).decode
_SURROGATE = re.compile("[\ud800-\udfff]")
_FIRST_HALF = re.compile("[\ud800-\udbff]")


def _unescape(raw: str) -> str:
    """The text that a piece of a JSON string stands for."""
    return str(_decode(f'"{raw}"')) if "\\" in raw else raw


class EventLog:
    """The newest event of a stream, kept in the pieces in which it came."""

    def __init__(self) -> None:
        self.type = ""
        self._head = ""
        self._text: list[str] = []
        self._tail: str | None = None
        self._parsed: Any = None
        self._is_parsed = True

    @property
    def raw_text(self) -> str | None:
        """The JSON of the text that grows, without its quotes; None where the event has none."""
        if self._tail is None:
            return None
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0]

    @property
    def data(self) -> str:
        """The event's data, as the server sent it."""
        return self._head if self._tail is None else f"{self._head}{self.raw_text}{self._tail}"

    def parse(self) -> Any:
        """The event's data as JSON: a new object for each event, the same one when asked again.

        :raises ValueError: where the data is no JSON.
        """
        if not self._is_parsed:
            self._parsed = _decode(self.data)
            self._is_parsed = True
        return self._parsed

    @property
    def is_whole(self) -> bool:
        """Whether the event's data is the last word, or can be parsed."""
        if self.data == DONE:
            return True
        try:
            self.parse()
        except ValueError:
            return False
        return True

    def grow(self, fresh: str) -> None:
        """The event before, with more text."""
        self._text.append(fresh)
        self._is_parsed = False

    def replace(self, item: list[str] | dict[str, str]) -> None:
        """An event that differs in more than its text."""
        self._is_parsed = False
        if isinstance(item, list):
            self._text.append(item[0])
            self._tail = item[1]
            return

        self.type = item["type"]
        self._head = item["data"] if "data" in item else item["head"]
        self._text = [item.get("text", "")]
        self._tail = item.get("tail")


class Reply:
    """What has come of a reply: the whole text so far, as Markdown, and how many events there were that are JSON objects."""

    def __init__(self) -> None:
        self.text = ""
        self.conversation_id: str | None = None
        self.message_id: str | None = None
        self.done = False
        self.events = 0
        self._log = EventLog()
        self._grows = False  # the newest event is the answer's, and its only text is the one that grows
        self._answered = False
        self._is_under_way = False  # by what the newest event of the answer says
        self._event: dict[str, Any] | None = None

    @property
    def event(self) -> dict[str, Any] | None:
        """The newest event that is a JSON object, as the server sent it."""
        if self._grows:
            self._event = self._log.parse()
        return self._event

    def feed(self, item: ReducedEvent) -> bool:
        """Take one reduced event. True where it changed the text.

        The last event of a body that ended without its empty line is passed over where it turns out to be cut.

        :raises MalformedEventError: the event is no JSON.
        :raises StreamError: the event is an error of the site's.
        """
        if isinstance(item, str):
            self._log.grow(item)
            if self._grows:
                return self._append(item)
        else:
            self._log.replace(item)
            if isinstance(item, dict) and "unended" in item and not self._log.is_whole:
                return False
        return self._read()

    def end(self) -> None:
        """The body is over, and the last word has not come.

        :raises StreamInterruptedError: nothing came that is a reply, or its newest event says that more was to come.
        """
        if self._is_under_way:
            raise self.failed(StreamInterruptedError, "the stream ended in the middle of the reply")
        self.finish()

    def finish(self) -> None:
        """The stream is over.

        :raises StreamInterruptedError: nothing came that is a reply.
        """
        if not self._answered:
            raise self.failed(StreamInterruptedError, "the stream ended without a reply")
        self.done = True

    def failed(self, kind: type[StreamError], message: str) -> StreamError:
        """An error that carries what has come so far."""
        return kind(
            message,
            partial_text=self.text,
            conversation_id=self.conversation_id,
            message_id=self.message_id,
        )

    def _append(self, fresh: str) -> bool:
        try:
            text = _unescape(fresh)
            # Half of a pair: only the whole says which character it is.
            whole = _unescape(self._log.raw_text or "") if _SURROGATE.search(text) else None
        except ValueError:
            self._grows = False  # an event that can't be read is none
            raise self._malformed() from None

        self.events += 1
        if whole is not None:
            return self._show(whole)
        self.text += text
        return bool(text)

    def _show(self, text: str) -> bool:
        """Take over the whole text, less the first half of a character whose other half is still to come."""
        whole = text[:-1] if text and _FIRST_HALF.match(text[-1]) else text
        changed, self.text = whole != self.text, whole
        return changed

    def _read(self) -> bool:
        """Read the newest event whole."""
        self._grows = False
        if self._log.data == DONE:
            self.finish()
            return False

        event = self._parse()
        if not isinstance(event, dict):
            return False
        self._event = event
        self.events += 1
        if event.get("error"):
            raise self.failed(StreamError, f"ChatGPT ended the reply with an error: {event['error']}")
        return self._read_message(event)

    def _parse(self) -> Any:
        try:
            return self._log.parse()
        except ValueError:
            raise self._malformed() from None

    def _malformed(self) -> StreamError:
        # Raised `from None`: json's own error carries the whole text around the fault, and that is the user's.
        return self.failed(MalformedEventError, "an event of the stream is not valid JSON")

    def _read_message(self, event: dict[str, Any]) -> bool:
        message = event.get("message")
        if not isinstance(message, dict) or not _is_answer(message):
            return False

        parts = message["content"].get("parts")
        texts = [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
        text = "".join(texts)
        self._answered = True
        self._is_under_way = message.get("status") == "in_progress"
        self.message_id = _optional_text(message.get("id")) or self.message_id
        self.conversation_id = _optional_text(event.get("conversation_id")) or self.conversation_id

        raw = self._log.raw_text
        self._grows = raw is not None and len(texts) == 1 and len(parts) == 1 and _unescape(raw) == text
        return self._show(text)


def _optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_answer(message: dict[str, Any]) -> bool:
    """Whether a message is the assistant's own words to the user, and not an echo, a tool's or a hidden one."""
    author = message.get("author")
    role = author.get("role") if isinstance(author, dict) else message.get("role")
    content = message.get("content")
    metadata = message.get("metadata")
    hidden = isinstance(metadata, dict) and metadata.get("is_visually_hidden_from_conversation")
    return (
        role == "assistant"
        and not hidden
        and message.get("recipient") in (None, "all")
        and isinstance(content, dict)
        and content.get("content_type", "text") in ("text", "multimodal_text")
    )
