"""Reads the events of a reply as the page delivers them, and provides the text so far and the ids of the reply.

An event contains the whole message so far, or a delta (:mod:`.delta`), or only a ``type`` and no message. The form of each
event is recognized by its content, because the form may change within a stream.
"""

from __future__ import annotations

from typing import Any

from .._core.errors import ChatGPTError, MalformedEventError, UnknownEncodingError
from .._core.models import ConversationEvent
from .answer_tracker import Change, optional_id
from .delta import KNOWN_ENCODINGS, DeltaDecoder, DeltaError, copied, is_delta
from .event_assembler import EventAssembler, ReducedEvent, unescaped
from .files_only import FilesOnlyMixin
from .message import answer_rank, message_metadata, message_text
from .reply_progress import FINISHED_STATES
from .reply_state import Growth, ReplyState, answer_state
from .site_words import error_in, site_error
from .sse import DONE

# Shortcuts, because these members are compared for each event: in Python 3.11, the lookup of `Growth.NONE` takes as long as the
# comparison itself.
_NONE, _EVENTS, _DELTAS = Growth.NONE, Growth.EVENTS, Growth.DELTAS
_ELSEWHERE, _DONE = ReplyState.ELSEWHERE, ReplyState.DONE

#: The types of events that contain messages, changes or errors. Events of other types (``ping``) need not contain JSON.
_MESSAGE_TYPES = ("", "message", "delta", "error")


class ReplyReader(FilesOnlyMixin):
    """Reads the events of a reply, and updates the progress of the reply."""

    def __init__(self) -> None:
        super().__init__()
        #: The number of events that were read so far and are JSON objects.
        self.events: int = 0
        #: True if the reply is a deep research: the stream contains only an acknowledgement, and a report follows later.
        self.expects_report: bool = False
        self._assembler = EventAssembler()
        self._deltas = DeltaDecoder()
        self._growth = _NONE
        self._contains_deltas = False
        self._is_cut = False  # True if the body ended in the middle of an event.
        self._newest_is_delta = False
        #: The number of the event that the property `event` returned last, and the event itself.
        self._event: tuple[int, ConversationEvent] | None = None

    @property
    def event(self) -> ConversationEvent | None:
        """The newest event that is a JSON object, as the server sent it; None before the first such event.

        If the event is a delta, ``event.whole`` contains the whole message so far.
        """
        self._parse_newest()
        if self._newest is None:
            return None
        if self._event is None or self._event[0] != self.events:
            whole = copied(self._deltas.value) if self._newest_is_delta else None
            self._event = self.events, ConversationEvent(self._newest, whole=whole)
        return self._event[1]

    def feed(self, item: ReducedEvent) -> bool:
        """Read one event, as the page delivers it. Return whether the text changed.

        If the body ended in the middle of its last event, this event is ignored.

        :raises MalformedEventError: the event is not JSON, or it is a delta that cannot be applied.
        :raises UnknownEncodingError: the following events are in an unknown encoding.
        :raises StreamError: the event is an error of the site.
        """
        if isinstance(item, str):
            self._assembler.grow(item)
            if self._growth is _EVENTS:
                return self._append(item)
        elif isinstance(item, dict):
            self._parse_newest()
            self._assembler.replace(item)
            if "unended" in item and not self._assembler.is_whole:
                is_cut = self._assembler.type in _MESSAGE_TYPES and not DONE.startswith(self._assembler.data)
                self._growth, self._is_cut = _NONE, is_cut
                return False
        else:
            self._assembler.replace(item)
            if self._growth is _DELTAS and len(item) == 1:  # A delta with only a new text.
                return self._append_delta(item[0])
        return self._read()

    def end(self) -> bool:
        """Handle the end of a body that did not end with ``[DONE]``. Return whether the text changed.

        :raises StreamInterruptedError: the stream contained no reply, or an incomplete reply.
        """
        deltas_only = [ReplyState.UNMARKED, ReplyState.REMARK] if self._contains_deltas else []
        incomplete = [ReplyState.GROWING, ReplyState.ENDING, *deltas_only]
        if not self.may_end and (self._is_cut or self.state in incomplete):
            raise self._interrupted("the stream ended in the middle of the reply")
        return self.finish()

    def finish(self) -> bool:
        """Handle the event ``[DONE]``, or an end of the body that :meth:`end` has accepted. Return whether the text changed.

        :raises StreamInterruptedError: the stream contained no reply, or only a remark that precedes the answer.
        """
        if self.is_handed_off and self.state not in FINISHED_STATES:
            self.leave_stream()
            return False
        if self.state is ReplyState.WAITING and self.finish_without_text():
            return False
        if self.state is ReplyState.WAITING:
            raise self._interrupted("the stream ended without a reply")
        if self.state is ReplyState.REMARK:
            raise self._interrupted("the stream ended with a remark, before the answer")
        return self._end()

    def follow(self) -> None:
        """Continue the reply with the events of a resumed stream or of the page's WebSocket. They may repeat earlier events."""
        if self.state is _ELSEWHERE:
            self.state = ReplyState.GROWING if self.answer.has_answer() else ReplyState.WAITING
        self.is_following: bool = True
        self._is_cut, self._growth = False, _NONE
        self._text.hold()

    def take(self, message: dict[str, Any]) -> bool:
        """Continue the reply with ``message``, the answer in the stored conversation. Return whether the text changed.

        If the site is still writing the answer and the stored text is shorter than the reply so far, the text does not change.
        Before this call, the caller must store the other messages of the reply with ``turn.note_stored``.
        """
        self._growth = _NONE
        self.answer.reconsider(self.turn.messages)
        self._text.hold()
        changed = self._follow(message, None)
        if self.state in FINISHED_STATES:
            return self._end() or changed
        self.leave_stream()
        return changed

    def take_report(self, report: dict[str, Any]) -> bool:
        """Replace the acknowledgement by the text of the report, and complete the reply. Return whether the text changed.

        The reply keeps the message id of the acknowledgement, because the report's own id is not the id of a message in the
        conversation.
        """
        self.settle()
        self._growth, self.expects_report = _NONE, False
        answer = self.turn.find(self.message_id) or {"id": self.message_id}
        metadata = {**message_metadata(answer), **message_metadata(report)}
        self.turn.note({**answer, "content": report.get("content"), "metadata": metadata})
        changed = self._text.replace(message_text(report))
        return self._end() or changed

    # ---- text --------------------------------------------------------------------------------------------------------

    def _append(self, fresh: str) -> bool:
        """Append ``fresh`` to the reply. The newest event contains the whole message, and only ``fresh`` is new in it.

        Return whether the text changed.
        """
        try:
            text = unescaped(fresh)
            if self._text.append(text):
                self.events += 1
                return bool(text)
            whole = unescaped(self._assembler.raw_text or "")
        except ValueError:
            raise self._malformed() from None
        self.events += 1
        return self._text.replace(whole)

    def _append_delta(self, fresh: str) -> bool:
        """Append the text of a delta that differs from the previous delta only in its text. Return whether the text changed."""
        try:
            text = unescaped(fresh)
        except ValueError:
            raise self._malformed() from None
        self.events += 1
        self._deltas.grow_by(text)
        return self._append_grown(text)

    def _append_grown(self, text: str) -> bool:
        """Append a piece that the delta decoder has already added to the message. Return whether the reply's text changed."""
        if self._text.append(text):
            return bool(text)
        return self._text.replace(message_text(self._deltas.value["message"]))

    def _end(self) -> bool:
        changed = self._text.end()
        if self.expects_report:
            self.leave_stream()
        else:
            self.state = _DONE
        return changed

    # ---- events ------------------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Parse the whole newest event and read it. Return whether the text changed."""
        growth, self._growth = self._growth, _NONE
        data = self._assembler.data
        if data == DONE:
            return self.finish()
        if self._assembler.type == "delta_encoding":
            self._check_encoding(data.strip().strip('"'))
            return False

        event = self._parse()
        if not isinstance(event, dict):
            if self._assembler.type == "error":
                raise self.failed(*site_error(event))
            return False
        self.events += 1
        self._newest = event
        is_message = self._assembler.type in _MESSAGE_TYPES
        if growth is _DELTAS and is_message and (more := self._deltas.grow(event)) is not None:
            self._growth = _DELTAS
            return self._append_grown(more)
        if self._is_delta(event):
            return self._read_delta(event)
        self._check_error(event)
        if "message" not in event:
            self._read_notice(event)
            return False
        return self._read_message(event, self._assembler.raw_text)

    def _is_delta(self, event: dict[str, Any]) -> bool:
        kind = self._assembler.type
        is_named = kind == "delta" and not event.keys() & {"message", "type"}
        self._newest_is_delta = is_named or (kind in _MESSAGE_TYPES and is_delta(event))
        return self._newest_is_delta

    def settle(self) -> None:
        """Update the messages in ``turn`` to their newest versions. Reading an event without parsing does not update them."""
        self._parse_newest()
        _ = self._deltas.value  # reading `value` joins the collected pieces of the growing text

    def _parse_newest(self) -> None:
        """Parse the newest event if it was read without parsing."""
        if self._growth is not _NONE:
            self._newest = self._assembler.parse()
            if self._growth is _EVENTS and isinstance(message := self._newest.get("message"), dict):
                self.turn.note(message)

    def _parse(self) -> Any:
        """Return the parsed JSON of the newest event, or None if the event is not JSON and its type does not require JSON."""
        try:
            return self._assembler.parse()
        except ValueError:
            kind = self._assembler.type
        if kind not in _MESSAGE_TYPES:
            return None
        raise self.failed(*site_error(self._assembler.data)) if kind == "error" else self._malformed()

    def _malformed(self) -> ChatGPTError:
        # The caller raises the result with `from None`, because the error of the `json` module contains private text.
        self._growth = _NONE
        return self.failed(MalformedEventError, "an event of the stream is not valid JSON")

    def _check_encoding(self, name: str) -> None:
        self._contains_deltas = True
        if name not in KNOWN_ENCODINGS:
            text = f"the reply's encoding {name[:40]!r} is not supported, only {', '.join(KNOWN_ENCODINGS)}"
            raise self.failed(UnknownEncodingError, text)

    def _check_error(self, event: dict[str, Any]) -> None:
        if (error := error_in(event, self._assembler.type)) is not None:
            raise self.failed(*error)

    def _read_delta(self, delta: dict[str, Any]) -> bool:
        self._contains_deltas = True
        try:
            whole = self._deltas.apply(delta)
        except DeltaError as exc:
            text = f"a delta does not fit the events before it: {exc}"
            raise self.failed(MalformedEventError, text) from None
        if not isinstance(whole, dict):
            return False
        self._check_error(whole)
        message = whole.get("message")
        is_removed = not isinstance(message, dict) and self.answer.has_answer()
        if is_removed and self._deltas.channel == self.answer.channel:
            self.turn.drop(self.answer.message_id)
            self.answer.retract()
            return self._choose_other_answer()
        changed = self._read_message(whole, None)
        if isinstance(message, dict) and answer_rank(message) and self.answer.is_answer(message):
            parts = message["content"].get("parts")
            if isinstance(parts, list) and len(parts) == 1 and self._deltas.grows_in(parts):
                self._growth = _DELTAS
        return changed

    def _read_notice(self, event: dict[str, Any]) -> None:
        """Read an event that contains no message. Depending on its type, update the state, the ids or the model."""
        kind = event.get("type")
        conversation_id = optional_id(event.get("conversation_id"))
        self.conversation_id = self.conversation_id or conversation_id
        if kind == "stream_handoff":
            self.is_handed_off = True
            self.conversation_id = conversation_id or self.conversation_id
        elif kind == "message_stream_complete":
            if self.answer.has_answer() and self.state is not ReplyState.REMARK:
                self._move_to(ReplyState.COMPLETE)
        elif kind == "server_ste_metadata":
            self.answer.note_model_notice(event)
        elif kind == "content_references_patch":
            self.turn.note_references(event)
        elif kind == "num_variants_in_stream":
            self.turn.has_variants = True
        elif kind == "input_message" and isinstance(message := event.get("input_message"), dict):
            self.answer.note_question(message)

    def _read_message(self, event: dict[str, Any], raw: str | None) -> bool:
        """Read an event with a whole message. Return whether the text changed.

        ``raw`` is :attr:`.EventAssembler.raw_text`, which may be the text of the message. For a delta, it is None.
        """
        message = event.get("message")
        if not isinstance(message, dict):
            return False
        changed = self._follow(message, event.get("conversation_id"))
        if self.state is ReplyState.COMPLETE:
            self._move_to(ReplyState.FINISHED)
        if raw is not None and answer_rank(message) and self.answer.is_answer(message):
            parts = message["content"].get("parts")
            # If the message has one part and `raw` is this part, later events that only add text to `raw` are read without
            # parsing.
            if isinstance(parts, list) and len(parts) == 1 and unescaped(raw) == self._text.raw:
                self._growth = _EVENTS
        return changed

    def _follow(self, message: dict[str, Any], conversation_id: Any) -> bool:
        """If the message is the answer, update the state and the text of the reply from it. Return whether the text changed."""
        self.turn.note(message)
        self.conversation_id = optional_id(conversation_id) or self.conversation_id
        change = self.answer.consider(message, self._deltas.channel)
        self.missing.note(message, is_answer=change is Change.ANSWER)
        if change is Change.NONE:
            return False
        if change is Change.RETRACTED:
            return self._choose_other_answer()
        self._move_to(answer_state(message))
        self.answer.note_model(message)
        return self._text.replace(message_text(message))
