"""Assembles a reply: converts the frames of the response to updates of the reply's text."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .._core.errors import MalformedEventError, StreamError, StreamInterruptedError
from .._protocol.reply_reader import ReplyReader
from .._protocol.reply_text import common_length

if TYPE_CHECKING:
    from .._core.models import ConversationEvent
    from .._protocol.event_assembler import ReducedEvent
    from .._protocol.growing_plain_text import GrowingPlainText
    from .._transport.response_stream import Frame
    from .reply_observer import ReplyObserver


class Update(NamedTuple):
    """The effect of one event on the reply.

    ``text`` is the reply's whole text, or None if the text did not change. ``event`` is the event, or None if the caller did not
    request events.
    """

    text: str | None
    event: ConversationEvent | None


class ReplyAssembler:
    """Converts the frames of one response to updates. This class does no I/O: the reply stream receives and passes the frames."""

    def __init__(self, *, markdown: bool, want_events: bool) -> None:
        self.reader: ReplyReader = ReplyReader()
        #: The observer of the events, or None if the reply is not observed.
        self.observer: ReplyObserver | None = None
        self._plain_text = None if markdown else _growing_plain_text()
        self._want_events = want_events
        self._items: deque[ReducedEvent | None] = deque()  # None represents the end of the body.
        self._failure: StreamError | None = None
        self._shown = ""
        #: True if the text has changed since its newest conversion to plain text.
        self._is_behind = False
        #: The plain text that `_complete` has stored in an update most recently, or None before its first call.
        self._progress_text: str | None = None

    @property
    def text(self) -> str:
        """The reply's whole text so far. It is plain text if the client was created with ``markdown=False``."""
        text = self.reader.text
        return text if self._plain_text is None else self._plain_text.whole(text)

    @property
    def is_plain_text(self) -> bool:
        """True if the reply is converted to plain text."""
        return self._plain_text is not None

    @property
    def shown(self) -> str:
        """The text that :meth:`take_piece` has returned so far, in all pieces together."""
        return self._shown

    @property
    def is_starved(self) -> bool:
        """True if another frame must be added before :meth:`read` can return an update."""
        return not (self._items or self.reader.done or self._failure)

    def add_frame(self, frame: Frame) -> None:
        """Add a frame of the response.

        An error frame reports that the connection broke. If the reply may already be complete (``reader.may_end``), this frame is
        treated as the end of the body.

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
        """Drop the unread events and the stored error, because the rest of the reply is read from the stored conversation."""
        self._items.clear()
        self._failure = None
        self.reader.is_following = False

    def read(self, limit: int, *, convert: bool = True, frames_wait: bool = False) -> list[Update] | None:
        """Read the next events and return their updates. Return None after the end of the reply.

        If the returned list is empty, more frames must be added before the next call.

        :param limit: the maximum number of updates that are returned.
        :param convert: if False, the texts of the updates are Markdown, even if the client was created with ``markdown=False``.
        :param frames_wait: True if another frame of the response has already arrived. Then the conversion to plain text may be
            left to a later call.
        :raises StreamError: an event reports an error. If there are updates before this event, this call returns these updates,
            and the next call raises the error.
        """
        updates: list[Update] = []
        reader, plain_text = self.reader, self._plain_text if convert else None
        while self._items and len(updates) < limit and not (reader.has_left_stream or self._failure):
            seen = reader.events
            changed = False
            try:
                changed = self._feed()
            except StreamError as exc:
                # The traceback is removed, because it refers to the event, which may contain a token or private text.
                self._failure = exc.with_traceback(None)
            text = reader.text if changed else None
            if text is not None and plain_text is not None:
                text = plain_text.progress(text, more_waits=True)
            is_wanted = self._want_events or self.observer is not None
            event = reader.event if is_wanted and reader.events > seen else None
            if event is not None and self.observer is not None:
                self.observer.on_event(event)
            if changed or event is not None:
                updates.append(Update(text, event))

        if convert:
            self._complete(updates, frames_wait=frames_wait)
        if updates:
            return updates
        if self._failure is not None:
            raise self._failure
        return None if self.reader.done else updates

    def end_observation(self, error: BaseException | None, *, finished: bool) -> None:
        """Pass the end of the reply to its observer. Further calls have no effect.

        :param finished: True if the reply is complete.
        """
        observer, self.observer = self.observer, None
        if observer is not None:
            observer.on_end(error, self.reader if finished else None)

    def take_piece(self, *, at_end: bool = False, frames_wait: bool = False) -> str:
        """Return the text that was added since the last call.

        If the site has rewritten earlier text, the result begins at the first difference between the old text and the new text.

        :param at_end: True if the reply is complete. If the reply is converted to plain text, an unfinished Markdown block is
            converted only in this case.
        :param frames_wait: True if another frame of the response has already arrived. In this case, plain text is not produced
            yet: the result is "", and a later call returns the text.
        """
        text = self.reader.text
        if self._plain_text is not None:
            if self._more_waits(frames_wait):
                return ""
            text = self._plain_text.whole(text) if at_end else self._plain_text.finished(text)
        shown, self._shown = self._shown, text
        if not text.startswith(shown):
            return text[common_length(text, shown) :]
        return text[len(shown) :]

    def _feed(self) -> bool:
        # An event may contain a token or private text. It must not be a local variable of `read`, because a traceback can show
        # local variables.
        item = self._items.popleft()
        return self.reader.end() if item is None else self.reader.feed(item)

    def _more_waits(self, frames_wait: bool) -> bool:
        """Return whether more events can be read now, without waiting for the site."""
        return (frames_wait or bool(self._items)) and not (self.reader.has_left_stream or self._failure)

    def _complete(self, updates: list[Update], *, frames_wait: bool) -> None:
        """Replace the text of the last update that has a text by the newest plain text.

        If no update has a text, but a new plain text is available, append an update with it.

        While more events can be read without waiting, the plain text may be older than the reply's text, because a conversion for
        each event would take too long. A later call then provides the newest plain text. At the end of the reply, the whole text
        is converted.
        """
        if self._plain_text is None:
            return
        changed = [index for index, update in enumerate(updates) if update.text is not None]
        self._is_behind = self._is_behind or bool(changed)
        if self.reader.done and (self._is_behind or self._progress_text is not None):
            text, self._is_behind = self.text, False
        elif self._is_behind:
            self._is_behind = self._more_waits(frames_wait)
            text = self._plain_text.progress(self.reader.text, more_waits=self._is_behind)
        else:
            return
        if changed:
            updates[changed[-1]] = updates[changed[-1]]._replace(text=text)
        elif text != self._progress_text:
            updates.append(Update(text, None))
        self._progress_text = text


def _growing_plain_text() -> GrowingPlainText:
    # Imported on first use, because most clients return Markdown.
    from .._protocol.growing_plain_text import GrowingPlainText

    return GrowingPlainText()
