"""Encodes a streamed reply in the site's older format (`whole`). Each event contains the whole text so far."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..data.conversations import Message
from .reply_parts import asides_of, content_references

if TYPE_CHECKING:
    from .steps import Reply


#: A function that encodes the next event of the answer and returns its bytes. The first argument is the next piece of the text.
#: The second argument is True if the event marks the answer as complete.
PieceEncoder = Callable[[str, bool], bytes]


@dataclass(frozen=True)
class ReplyEvents:
    """Encodes all events of one `Reply`. A reply answers one message of a conversation."""

    reply: Reply
    conversation_id: str
    user_message: Message
    answer: Message
    model: str
    #: The side messages: one message for each item of `asides_of(reply)`, in the same order.
    side_messages: Sequence[Message] = ()
    #: The alternative answer to the same message (see `Reply.alternative`). None if the reply has only one answer.
    alternative: Message | None = None

    def opening(self) -> list[bytes]:
        """Return the events that come before the side messages and the answer."""
        fillers = self.fillers()
        if not self.reply.echo_user:
            return fillers

        return [
            self._event(self.user_message.to_message(metadata={"timestamp_": "absolute"})),
            *fillers,
        ]

    def side_message_events(self) -> list[bytes]:
        """Return the events of the side messages, and the event of the alternative answer.

        Each side message has two events: the first contains half of its text, the second the whole text.
        """
        blocks = []
        for aside, message in zip(asides_of(self.reply), self.side_messages, strict=True):
            half = aside.content(aside.text[: len(aside.text) // 2])
            blocks.append(self._event(message.to_message(content=half, status="in_progress")))
            blocks.append(self._event(message.to_message()))
        if self.alternative is not None:
            blocks.append(self._event(self.alternative.to_message(channel=self.reply.channel)))
        return blocks

    def fillers(self) -> list[bytes]:
        """Return the fillers between events: a comment, an event without data and a ping, if the reply's options select them."""
        lines = [": ping - 2022-12-11 09:30:00.000000"] if self.reply.comments else []
        if self.reply.empty_data:
            lines.append("data:")
        if self.reply.ping_events:
            lines.append(f"event: ping{self.reply.newline}data: 2026-11-28T09:30:00.000000")

        return [self._block(line.encode()) for line in lines]

    def piece_encoder(self) -> PieceEncoder:
        """Return a function that encodes the pieces of the answer. Each event contains the whole text so far.

        The function is fast: the JSON around the text is encoded in advance, and each piece is escaped only once. An event costs
        little more than a copy of the text so far.
        """
        last = {**self.metadata(), **self.final_metadata()}
        in_progress = self._template(status="in_progress", end_turn=None, metadata=self.metadata())
        finished = self._template(**self.final_fields(), metadata=last)
        text = bytearray()

        def encode(piece: str, is_finished: bool) -> bytes:
            text.extend(self._dump(piece)[1:-1])
            head, tail = finished if is_finished else in_progress
            return b"".join((head, text, tail))

        return encode

    @property
    def is_complete(self) -> bool:
        """True if the last event of the answer marks the answer as complete.

        This is not the case if the reply has no `final_status`, or if it ends with an error, a hand-off or a withheld answer.
        """
        reply = self.reply
        is_cut_off = reply.error is not None or reply.withheld is not None or reply.handoff_after is not None
        return reply.final_status and not is_cut_off

    def final_fields(self) -> dict[str, Any]:
        """Return the fields `status` and `end_turn` of the answer's last event."""
        if self.reply.finish == "stop":
            return {"status": "finished_successfully", "end_turn": True}
        return {"status": "finished_partial_completion", "end_turn": None}

    def closing(self) -> list[bytes]:
        """Return the events after the answer: moderation, hand-off, error, `[DONE]`, and the bytes after `[DONE]`."""
        blocks = []
        if self.reply.moderation:
            verdict = {"flagged": False, "blocked": False, "moderation_id": f"modr-{uuid.uuid4().hex}"}
            ids = {"conversation_id": self.conversation_id, "message_id": self.answer.id}
            blocks.append(self._json({**ids, "is_completion": True, "moderation_response": verdict}))
        if self.reply.withheld is not None:
            verdict = {"flagged": True, "blocked": True, "message": self.reply.withheld}
            ids = {"conversation_id": self.conversation_id, "message_id": self.answer.id}
            blocks.append(self._json({**ids, "is_completion": True, "moderation_response": verdict}))
        return [*blocks, *self._ending()]

    def _ending(self) -> list[bytes]:
        """Return the hand-off, the error, `[DONE]` and the bytes after `[DONE]`. The options of the reply select them."""
        blocks = []
        if self.reply.handoff_after is not None:
            blocks.append(self._json(self._handoff()))
        if self.reply.error is not None:
            blocks.append(self._event(None, self._error()))
        if self.reply.done:
            blocks.append(self._block(b"data: [DONE]"))
        if self.reply.after_done:
            blocks.append(self.reply.after_done)

        return blocks

    def _error(self) -> object:
        """Return the value of the field `error` in the event with the error. A text is put into an object, as on the site."""
        error = self.reply.error
        return {"message": error} if isinstance(error, str) else error

    def _handoff(self) -> dict[str, Any]:
        topic = {"type": "subscribe_ws_topic", "topic_id": f"conversation-turn-{uuid.uuid4()}"}
        return {
            "type": "stream_handoff",
            "conversation_id": self.conversation_id,
            "turn_exchange_id": str(uuid.uuid4()),
            "options": [topic],
        }

    def metadata(self) -> dict[str, Any]:
        """Return the metadata that the answer has from its first event on."""
        return {"message_type": "next", "model_slug": self.model}

    def final_metadata(self) -> dict[str, Any]:
        """Return the metadata that is added to the answer when the answer is complete."""
        return {"finish_details": {"type": self.reply.finish, "stop": "<|im_end|>"}, **self._references()}

    def _references(self) -> dict[str, Any]:
        references = content_references(self.reply)
        return {"content_references": references} if references else {}

    def answer_fields(self) -> dict[str, Any]:
        """Return the answer's channel and metadata, as arguments for `Message.to_message`."""
        channel = {} if self.reply.channel is None else {"channel": self.reply.channel}
        return {**channel, "metadata": self.metadata()}

    def _template(self, **changes: Any) -> tuple[bytes, bytes]:
        """Return the two parts of an event of the answer: the bytes before its text, and the bytes after its text."""
        mark = uuid.uuid4().hex
        content = {"content_type": "text", "parts": [mark]}
        message = self.answer.to_message(content=content, **self.answer_fields() | changes)
        head, tail = self._event(message).split(mark.encode())
        return head, tail

    def websocket(self) -> dict[str, Any]:
        """Return the JSON object that is sent instead of a stream. It contains the address of a WebSocket."""
        url = f"wss://ws.invalid/client/hubs/conversations?access_token={uuid.uuid4().hex}"
        return {"wss_url": url, "conversation_id": self.conversation_id, "response_id": uuid.uuid4().hex[:16]}

    def _event(self, message: dict[str, Any] | None, error: object = None) -> bytes:
        return self._json({"message": message, "conversation_id": self.conversation_id, "error": error})

    def _json(self, value: dict[str, Any]) -> bytes:
        return self._block(b"data: " + self._dump(value))

    def _dump(self, value: object) -> bytes:
        # JSON can represent half of a surrogate pair, but UTF-8 cannot. With `replace`, a text with half of a pair does not crash
        # the server.
        return json.dumps(value, ensure_ascii=self.reply.ensure_ascii).encode("utf-8", "replace")

    def _block(self, line: bytes) -> bytes:
        return line + self.reply.newline.encode() * 2


def system_message() -> dict[str, Any]:
    """Return the hidden system message that the site sends at the start of a reply."""
    hidden = {"is_visually_hidden_from_conversation": True}
    system = Message(str(uuid.uuid4()), None, "system", "")
    return system.to_message(weight=0.0, end_turn=True, metadata=hidden)
