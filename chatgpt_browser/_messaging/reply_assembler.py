"""Assembly of a reply: frames of the response are converted to updates of the reply's text."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .._core.errors import MalformedEventError, StreamError, StreamInterruptedError
from .._protocol.plain_text import to_plain_text
from .._protocol.reply_reader import ReplyReader

if TYPE_CHECKING:
    from .._core.models import ConversationEvent
    from .._protocol.event_assembler import ReducedEvent
    from .._transport.response_stream import Frame


class Update(NamedTuple):
    """The effect of one event on the reply.

    ``text`` is the reply's whole text, or None if the text did not change. ``event`` is the event, or None if the caller did not
    request events.
    """

    text: str | None
    event: ConversationEvent | None


class ReplyAssembler:
    """Converts the frames of one response to updates. It does no I/O: the reply stream receives the frames."""

    def __init__(self, *, markdown: bool, want_events: bool) -> None:
        self.reader = ReplyReader()
        self._markdown = markdown
        self._want_events = want_events
        self._items: deque[ReducedEvent | None] = deque()  # None marks the end of the body
        self._failure: StreamError | None = None
        self._shown = ""

    @property
    def text(self) -> str:
        """The reply's whole text so far. It is plain text if the client was created with ``markdown=False``."""
        return self.reader.text if self._markdown else to_plain_text(self.reader.text)

    @property
    def is_starved(self) -> bool:
        """True if another frame has to be added before :meth:`read` can return an update."""
        return not (self._items or self.reader.done or self._failure)

    def add_frame(self, frame: Frame) -> None:
        """Add a frame of the response. If the reply may end, an error frame is treated as the end of the body.

        :raises StreamError: the response has broken off in the middle of the reply.
        """
        kind, *rest = frame
        if kind == "events":
            self._items.extend(rest[0])
        elif kind == "end" or (kind == "error" and self.reader.may_end):
            self.end_body()
        elif kind == "error":
            damaged = rest[1] == "EncodingError"
            error = MalformedEventError if damaged else StreamInterruptedError
            raise error(f"The reply broke off: {rest[2]}.")

    def end_body(self) -> None:
        """Add a marker for the end of the body."""
        self._items.append(None)

    def leave_stream(self) -> None:
        """Drop unread events and a stored error of the stream. After this, the rest is read from the conversation."""
        self._items.clear()
        self._failure = None
        self.reader.is_following = False

    def read(self, limit: int) -> list[Update] | None:
        """Read the next events and return their updates. Return None after the end of the reply.

        If the list is empty, the reply needs more frames.

        :param limit: the largest number of updates.
        :raises StreamError: an event reports an error. The updates before this event are returned first, by an earlier call.
        """
        updates: list[Update] = []
        while self._items and len(updates) < limit and not self._is_over():
            seen = self.reader.events
            changed = False
            try:
                changed = self._feed()
            except StreamError as exc:
                # The error's traceback holds the event, which may contain a token or private text.
                self._failure = exc.with_traceback(None)
            event = self.reader.event if self._want_events and self.reader.events > seen else None
            if changed or event is not None:
                updates.append(Update(self.text if changed else None, event))

        if updates:
            return updates
        if self._failure is not None:
            raise self._failure
        return None if self.reader.done else updates

    def take_piece(self, *, at_end: bool = False) -> str:
        """Return the text that was added since the last call.

        If the reply is converted to plain text, an unfinished Markdown block is not returned, unless ``at_end`` is True. If the
        site has rewritten earlier text, the piece begins at the first difference between the old text and the new text.
        """
        text = self.reader.text
        if not self._markdown:
            text = to_plain_text(text if at_end else _closed_blocks(text))
        shown, self._shown = self._shown, text
        if not text.startswith(shown):
            return text[len(os.path.commonprefix([text, shown])) :]
        return text[len(shown) :]

    def _feed(self) -> bool:
        # The event is not a local variable of read(): an error that read() raises keeps these variables in its traceback.
        item = self._items.popleft()
        return self.reader.end() if item is None else self.reader.feed(item)

    def _is_over(self) -> bool:
        return self.reader.done or self.reader.is_elsewhere or self._failure is not None


def _closed_blocks(markdown: str) -> str:
    """Return the final part of a growing Markdown text: all text up to the last empty line outside a code block.

    Text that is added later does not change how this part is converted.
    """
    fenced, end, position = False, 0, 0
    for line in markdown.splitlines(keepends=True):
        position += len(line)
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not line.strip() and line.endswith("\n") and not fenced:
            end = position
    return markdown[:end]
