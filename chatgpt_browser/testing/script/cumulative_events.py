"""The bytes of a streamed reply, in the site's older form: every event holds the whole text so far."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..data.conversations import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .steps import Reply

_WORDS = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True)
class ReplyEvents:
    """The events of one `Reply` to one message of one conversation."""

    reply: Reply
    conversation_id: str
    user_message: Message
    answer: Message
    model: str
    aside_messages: Sequence[Message] = ()

    def opening(self) -> list[bytes]:
        """What comes before the reply itself."""
        fillers = self.fillers()
        if not self.reply.echo_user:
            return fillers

        system = Message(str(uuid.uuid4()), None, "system", "")
        hidden = {"is_visually_hidden_from_conversation": True}
        return [
            self._event(system.to_message(weight=0.0, end_turn=True, metadata=hidden)),
            self._event(self.user_message.to_message(metadata={"timestamp_": "absolute"})),
            *fillers,
        ]

    def asides(self) -> list[bytes]:
        """The messages before the answer: each by two events, the second whole."""
        blocks = []
        for aside, message in zip(self.reply.asides, self.aside_messages, strict=True):
            half = aside.content(aside.text[: len(aside.text) // 2])
            blocks.append(self._event(message.to_message(content=half, status="in_progress")))
            blocks.append(self._event(message.to_message()))
        return blocks

    def fillers(self) -> list[bytes]:
        """What comes between events and means nothing."""
        lines = [": ping - 2022-12-11 09:30:00.000000"] if self.reply.comments else []
        if self.reply.empty_data:
            lines.append("data:")

        return [self._block(line.encode()) for line in lines]

    def growing(self) -> Growing:
        """What makes an event of each piece."""
        last = {"finish_details": {"type": "stop", "stop": "<|im_end|>"}, **self._metadata()}
        return GrowingText(
            self._dump,
            self._skeleton(status="in_progress", end_turn=None, metadata=self._metadata()),
            self._skeleton(status="finished_successfully", end_turn=True, metadata=last),
        )

    @property
    def comes_through(self) -> bool:
        """Whether the last event says that the answer is whole."""
        return self.reply.final_status and self.reply.error is None and self.reply.handoff_after is None

    def closing(self) -> list[bytes]:
        """What comes after the reply itself, `[DONE]` last."""
        blocks = []
        if self.reply.moderation:
            verdict = {"flagged": False, "blocked": False, "moderation_id": f"modr-{uuid.uuid4().hex}"}
            blocks.append(self._json(self._ids(is_completion=True, moderation_response=verdict)))
        return [*blocks, *self.last_words()]

    def last_words(self) -> list[bytes]:
        """How the stream ends: handed off, in an error, by `[DONE]`."""
        blocks = []
        if self.reply.handoff_after is not None:
            blocks.append(self._json(self._handoff()))
        if self.reply.error is not None:
            blocks.append(self._event(None, self.reply.error))
        if self.reply.done:
            blocks.append(self._block(b"data: [DONE]"))
        if self.reply.after_done:
            blocks.append(self.reply.after_done)

        return blocks

    def _handoff(self) -> dict[str, Any]:
        topic = {"type": "subscribe_ws_topic", "topic_id": f"conversation-turn-{uuid.uuid4()}"}
        return {
            "type": "stream_handoff",
            "conversation_id": self.conversation_id,
            "turn_exchange_id": str(uuid.uuid4()),
            "options": [topic],
        }

    def _metadata(self) -> dict[str, Any]:
        return {"message_type": "next", "model_slug": self.model}

    def _ids(self, **rest: Any) -> dict[str, Any]:
        return {"conversation_id": self.conversation_id, "message_id": self.answer.id, **rest}

    def _skeleton(self, **changes: Any) -> tuple[bytes, bytes]:
        mark = uuid.uuid4().hex
        content = {"content_type": "text", "parts": [mark]}
        if self.reply.channel is not None:
            changes["channel"] = self.reply.channel
        message = self.answer.to_message(update_time=time.time(), content=content, **changes)
        head, tail = self._event(message).split(mark.encode())
        return head, tail

    def _event(self, message: dict[str, Any] | None, error: str | None = None) -> bytes:
        return self._json({"message": message, "conversation_id": self.conversation_id, "error": error})

    def _json(self, value: dict[str, Any]) -> bytes:
        return self._block(b"data: " + self._dump(value))

    def _dump(self, value: object) -> bytes:
        # JSON can spell half a surrogate pair, UTF-8 cannot: a message with one must not break the server.
        return json.dumps(value, ensure_ascii=self.reply.ensure_ascii).encode("utf-8", "replace")

    def _block(self, line: bytes) -> bytes:
        return line + self.reply.newline.encode() * 2


class Growing(Protocol):
    """Makes the events of the answer's own pieces."""

    def add(self, piece: str, *, finished: bool) -> bytes:
        """The event of one more piece; `finished` where it says that the reply has come through."""
        ...


class GrowingText:
    """Events that each hold the whole text so far.

    The JSON around the text is written once, and each piece is escaped once: what is left for each event
    is one copy of its bytes, the least that cumulative text allows.
    """

    def __init__(
        self, dump: Callable[[object], bytes], under_way: tuple[bytes, bytes], finished: tuple[bytes, bytes]
    ) -> None:
        self._dump = dump
        self._under_way = under_way
        self._finished = finished
        self._text = bytearray()

    def add(self, piece: str, *, finished: bool) -> bytes:
        """The event of one more piece; `finished` where it says that the reply has come through."""
        self._text += self._dump(piece)[1:-1]
        head, tail = self._finished if finished else self._under_way
        return b"".join((head, self._text, tail))


def cut(text: str) -> list[str]:
    """The words of a text, each with the white space before it; never none."""
    return _WORDS.findall(text) or [""]
