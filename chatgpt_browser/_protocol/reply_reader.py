"""A reply as it grows: reduced events in, whole text and ids out. Pure: no I/O, no clock.

The site writes a reply in one of two forms, and may change over within a stream: events that each hold a whole message so far,
and deltas (:mod:`.delta`). Which one an event is in, its content says. Beside these there are events that are no
message's: each has a ``type``.
"""

from __future__ import annotations

from typing import Any

from .._core.errors import (
    MalformedEventError,
    StreamError,
    StreamInterruptedError,
    UnknownEncodingError,
)
from .._core.models import ConversationEvent
from .answer import answer_rank, is_finished, is_question, is_remark, message_text
from .citation_marks import MARKS, Markup
from .delta import KNOWN_ENCODINGS, DeltaDecoder, DeltaError, copied, is_delta
from .event_log import EventLog, ReducedEvent, unescaped
from .sse import DONE
from .surrogates import FIRST_HALVES, HALVES, holds

__all__ = ["ReducedEvent", "ReplyReader"]

#: What a piece of text can't be added with, without looking at the whole: halves of characters, and the site's marks.
_SPECIAL = HALVES + MARKS


class ReplyReader:
    """What has come of a reply: the whole text so far, as Markdown, and how many events there were that are JSON objects.

    ``question_id`` is the id of the message that it answers, where the site has repeated that. ``is_handed_off`` tells that the
    site may go on with the reply outside of its stream, ``is_elsewhere`` that the stream has ended and it does: the rest is to be
    had from the conversation.
    """

    def __init__(self) -> None:
        self.text = ""
        self.conversation_id: str | None = None
        self.message_id: str | None = None
        self.question_id: str | None = None
        self.done = False
        self.is_handed_off = False
        self.is_elsewhere = False
        self.events = 0
        self._log = EventLog()
        self._deltas = DeltaDecoder()
        self._markup = Markup()
        self._grows = False  # the newest event is the answer's, and its only text is the one that grows,
        self._grows_by_deltas = False  # or a delta has just added to it
        self._rank = 0
        self._begun: dict[str, int] = {}  # the messages of the stream, and which of them has begun as which
        self._place = 0  # that of the answer among them
        self._channel: Any = None  # that of the deltas which the answer is made of
        self._raw = ""  # the answer's text as the site wrote it
        self._is_half = False  # which ends in the first half of a character
        self._in_deltas = False
        self._finished = False  # the site has said that the answer is whole,
        self._is_under_way = False  # or that it is not,
        self._is_remark = False  # or that what there is, is none yet
        self._is_complete = False  # the site has said that this stream's reply is whole
        self._is_cut = False  # the body ended in the middle of an event
        self._newest: dict[str, Any] | None = None
        self._newest_is_delta = False
        self._event: tuple[int, ConversationEvent] | None = None

    @property
    def event(self) -> ConversationEvent | None:
        """The newest event that is a JSON object, as the server sent it; for a delta with the whole message beside it."""
        if self._grows or self._grows_by_deltas:
            self._newest = self._log.parse()
        if self._newest is None:
            return None
        if self._event is None or self._event[0] != self.events:
            whole = copied(self._deltas.value) if self._newest_is_delta else None
            self._event = self.events, ConversationEvent(self._newest, whole=whole)
        return self._event[1]

    def feed(self, item: ReducedEvent) -> bool:
        """Take one reduced event. True where it changed the text.

        The last event of a body that ended without its empty line is passed over where it turns out to be cut.

        :raises MalformedEventError: the event is no JSON, or a delta that doesn't fit.
        :raises UnknownEncodingError: the events that follow are in a form that nobody here knows.
        :raises StreamError: the event is an error of the site's.
        """
        if isinstance(item, str):
            self._log.grow(item)
            if self._grows:
                return self._append(item)
        else:
            if (self._grows or self._grows_by_deltas) and _is_no_object(item):
                self._newest = self._log.parse()  # it stays the newest, and was not put together yet
                self._grows_by_deltas = False
            self._log.replace(item)
            if (
                self._grows_by_deltas and isinstance(item, list) and len(item) == 1
            ):  # the delta before, with this text
                return self._append_delta(item[0])
            if isinstance(item, dict) and "unended" in item and not self._log.is_whole:
                self._is_cut = not DONE.startswith(self._log.data)
                return False
        return self._read()

    @property
    def is_settled(self) -> bool:
        """Whether nothing more has to come in this stream: the reply is whole, or its rest is to be had elsewhere."""
        return self.is_handed_off or self._is_complete

    def end(self) -> bool:
        """The body is over, and the last word has not come. True where that changed the text.

        :raises StreamInterruptedError: nothing came that is a reply, or by what came last more was to come.
        """
        if not self.is_settled and (
            self._is_cut or self._is_under_way or (self._in_deltas and self._rank and not self._finished)
        ):
            raise self.failed(StreamInterruptedError, "the stream ended in the middle of the reply")
        return self.finish()

    def finish(self) -> bool:
        """The stream is over. True where that changed the text.

        :raises StreamInterruptedError: nothing came that is a reply, or nothing but a remark on the way to it.
        """
        if self.is_handed_off and not self._finished:
            self.is_elsewhere = True
            return False
        if not self._rank:
            raise self.failed(StreamInterruptedError, "the stream ended without a reply")
        if self._is_remark:
            raise self.failed(StreamInterruptedError, "the stream ended with a remark, before the answer")
        return self._end()

    def take(self, message: dict[str, Any]) -> bool:
        """Take the answer as the conversation has it, after the stream left the rest to that. True where the text changed."""
        changed = self._follow(message, None)
        if self._finished:
            changed = self._end() or changed
        return changed

    def failed(self, kind: type[StreamError], message: str) -> StreamError:
        """An error that carries what has come so far."""
        return kind(
            message,
            partial_text=self.text,
            conversation_id=self.conversation_id,
            message_id=self.message_id,
        )

    # ---- text --------------------------------------------------------------------------------------------------------

    def _append(self, fresh: str) -> bool:
        try:
            text = unescaped(fresh)
            # Half of a pair, or of a mark: only the whole says what it is.
            special = self._is_half or self._markup.is_open or holds(_SPECIAL, text)
            whole = unescaped(self._log.raw_text or "") if special else None
        except ValueError:
            self._grows = False  # an event that can't be read is none
            raise self._malformed() from None

        self.events += 1
        if whole is not None:
            return self._show(whole)
        self.text += text
        return bool(text)

    def _append_delta(self, fresh: str) -> bool:
        try:
            text = unescaped(fresh)
        except ValueError:
            self._grows_by_deltas = False
            raise self._malformed() from None
        self.events += 1
        self._deltas.grow_by(text)
        return self._show_more(text)

    def _show(self, raw: str) -> bool:
        """Take over the whole text, less the first half of a character whose other half is still to come."""
        self._raw = raw
        self._is_half = holds(FIRST_HALVES, raw[-1:])
        whole = raw[:-1] if self._is_half else raw
        text = self._markup.visible(whole)
        changed, self.text = text != self.text, text
        return changed

    def _show_more(self, text: str) -> bool:
        """Take over more text than the whole had before."""
        if self._is_half or self._markup.is_open or holds(_SPECIAL, text):
            return self._show(message_text(self._deltas.value["message"]))
        self.text += text
        return bool(text)

    def _end(self) -> bool:
        """No more comes: a mark that has no end is none."""
        before = self.text
        if self._markup.is_open:
            self.text = self._markup.visible(self._raw, at_end=True)
        self.done = True
        return self.text != before

    # ---- events ------------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Read the newest event whole."""
        self._grows = False
        data = self._log.data
        if data == DONE:
            return self.finish()
        if self._log.type == "delta_encoding":
            self._check_encoding(data.strip().strip('"'))
            return False

        event = self._parse()
        if not isinstance(event, dict):
            if self._log.type == "error":
                raise self._ended_with(event)
            return False
        self.events += 1
        self._newest = event
        if self._grows_by_deltas and (more := self._deltas.grow(event)) is not None:
            return self._show_more(more)
        self._grows_by_deltas = False
        self._newest_is_delta = self._is_delta(event)
        if self._newest_is_delta:
            return self._read_delta(event)
        self._check_error(event)
        if "message" not in event:
            return self._read_notice(event)
        return self._read_message(event, self._log.raw_text)

    def _is_delta(self, event: dict[str, Any]) -> bool:
        if is_delta(event):
            return True
        return self._log.type == "delta" and not event.keys() & {"message", "type"}

    def _parse(self) -> Any:
        try:
            return self._log.parse()
        except ValueError:
            raise self._malformed() from None

    def _malformed(self) -> StreamError:
        # Raised `from None`: json's own error carries the whole text around the fault, and that is the user's.
        return self.failed(MalformedEventError, "an event of the stream is not valid JSON")

    def _check_encoding(self, name: str) -> None:
        self._in_deltas = True
        if name not in KNOWN_ENCODINGS:
            known = ", ".join(KNOWN_ENCODINGS)
            raise self.failed(
                UnknownEncodingError,
                f"the site writes its reply in the encoding {name[:40]!r}; known is {known}",
            )

    def _check_error(self, whole: dict[str, Any]) -> None:
        error = whole.get("error") or whole.get("error_code")
        if not error and (whole.get("type") == "error" or self._log.type == "error"):
            error = whole.get("message") or whole.get("detail") or "it does not say which"
        if (
            not error and "detail" in whole and not whole.keys() & {"message", "type"}
        ):  # a refusal, in the middle of a stream
            error = whole["detail"]
        if error:
            raise self._ended_with(error)

    def _ended_with(self, error: Any) -> StreamError:
        return self.failed(
            StreamError, f"ChatGPT ended the reply with an error: {error or 'it does not say which'}"
        )

    def _read_delta(self, delta: dict[str, Any]) -> bool:
        self._in_deltas = True
        try:
            whole = self._deltas.apply(delta)
        except DeltaError as exc:
            raise self.failed(MalformedEventError, f"a delta doesn't fit what came before: {exc}") from None
        if not isinstance(whole, dict):
            return False
        self._check_error(whole)
        message = whole.get("message")
        if not isinstance(message, dict) and self._rank and self._deltas.channel == self._channel:
            return self._retract()  # taken away
        changed = self._read_message(whole, None)
        if isinstance(message, dict) and answer_rank(message) and self._is_answer(message):
            parts = message["content"].get("parts")
            self._grows_by_deltas = (
                isinstance(parts, list) and len(parts) == 1 and self._deltas.grows_in(parts)
            )
        return changed

    def _read_notice(self, event: dict[str, Any]) -> bool:
        """An event that is no message's: carried on to whoever listens. Two kinds say how the stream goes on."""
        kind = event.get("type")
        self.conversation_id = self.conversation_id or _optional_text(event.get("conversation_id"))
        if kind == "stream_handoff":
            self.is_handed_off = True
            self.conversation_id = _optional_text(event.get("conversation_id")) or self.conversation_id
        elif kind == "message_stream_complete" and self._rank and not self._is_remark:
            self._finished, self._is_under_way, self._is_complete = True, False, True
        elif kind == "input_message" and isinstance(message := event.get("input_message"), dict):
            self._note_question(message)
        return False

    def _read_message(self, whole: dict[str, Any], raw: str | None) -> bool:
        message = whole.get("message")
        if not isinstance(message, dict):
            return False
        changed = self._follow(message, whole.get("conversation_id"))
        self._is_complete = False
        if raw is not None and answer_rank(message) and self._is_answer(message):
            parts = message["content"].get("parts")
            # With another part beside it, or another text in front, more of the raw text is not more of the answer's.
            self._grows = isinstance(parts, list) and len(parts) == 1 and unescaped(raw) == self._raw
        return changed

    def _is_answer(self, message: dict[str, Any]) -> bool:
        """Whether it is the message that is taken for the answer so far."""
        name = _optional_text(message.get("id"))
        return bool(self._rank) and (name is None or name == self.message_id)

    def _follow(self, message: dict[str, Any], conversation_id: Any) -> bool:
        """Take over the text of a message that is the answer, as far as one can tell by now."""
        rank = answer_rank(message)
        name = _optional_text(message.get("id"))
        place = self._place if name is None else self._begun.setdefault(name, len(self._begun))
        if not rank and not (message.get("id") and self._is_answer(message)):
            self._note_question(message)
            return False
        if not rank:
            return self._retract()
        if not self._is_answer(message) and (rank, place) < (self._rank, self._place):
            return False

        self._rank, self._place, self._channel = rank, place, self._deltas.channel
        self._finished, self._is_under_way = is_finished(message), message.get("status") == "in_progress"
        self._is_remark = is_remark(message)
        self.message_id = _optional_text(message.get("id")) or self.message_id
        self.conversation_id = _optional_text(conversation_id) or self.conversation_id
        return self._show(message_text(message))

    def _note_question(self, message: dict[str, Any]) -> None:
        if is_question(message):
            self.question_id = _optional_text(message.get("id"))

    def _retract(self) -> bool:
        """What was taken for the answer turned out to be none: the site has hidden it, or made it a remark."""
        self._rank, self._finished, self.message_id = 0, False, None
        return self._show("")


def _is_no_object(item: ReducedEvent) -> bool:
    """Whether an event is something else than a JSON object: the last word, say."""
    return isinstance(item, dict) and "data" in item and not item["data"].lstrip().startswith("{")


def _optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
