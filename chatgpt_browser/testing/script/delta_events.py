"""The bytes of a streamed reply, in the site's newer form (`delta_encoding` v1): every event says what has changed."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

from ..data.conversations import Message
from .cumulative_events import ReplyEvents

if TYPE_CHECKING:
    from .cumulative_events import Growing

_TEXT = "/message/content/parts/0"


class DeltaEvents(ReplyEvents):
    """The events of one `Reply`, as deltas, and what the site sends between them."""

    def opening(self) -> list[bytes]:
        """The encoding, the token to resume by, and the user's own message."""
        blocks = [
            self._block(b'event: delta_encoding\ndata: "v1"'),
            self._notice("resume_conversation_token", kind="conduit", token=_token()),
        ]
        if self.reply.echo_user:
            system = Message(str(uuid.uuid4()), None, "system", "")
            hidden = {"is_visually_hidden_from_conversation": True}
            question = self.user_message.to_message(channel=None)
            blocks += [
                self._root(system.to_message(weight=0.0, end_turn=True, metadata=hidden), 0),
                self._root(question, 1),
                self._notice("input_message", input_message=question),
            ]
        return [*blocks, *self.fillers()]

    def asides(self) -> list[bytes]:
        """The messages before the answer, each in a channel of its own: begun, grown by two events, finished."""
        blocks = []
        for number, (aside, message) in enumerate(
            zip(self.reply.asides, self.aside_messages, strict=True), start=2
        ):
            half = len(aside.text) // 2
            blocks += [
                self._root(message.to_message(content=aside.content(""), status="in_progress"), number),
                self.delta({"p": aside.text_path, "o": "append", "v": aside.text[:half]}),
                self.delta({"v": aside.text[half:]}),
                self.delta(
                    {"p": "/message/status", "o": "replace", "v": "finished_successfully", "c": number}
                ),
            ]
        return blocks

    def growing(self) -> Growing:
        """What makes an event of each piece."""
        return _GrowingDeltas(self)

    def closing(self) -> list[bytes]:
        """What the site says of a reply in the end, `[DONE]` last."""
        blocks = []
        if self.reply.moderation:
            blocks.append(self._notice("moderation", moderation_response={"blocked": False}))
        if self.comes_through:
            about = {"model_slug": self.model, "tool_invoked": False, "message_id": self.answer.id}
            blocks += [
                self._notice("server_ste_metadata", metadata=about),
                self._notice("message_stream_complete"),
                self._notice("title_generation", title="New chat"),
                self._notice("conversation_detail_metadata", banner_info=None, blocked_features=[]),
            ]
        return [*blocks, *self.last_words()]

    def beginning(self) -> bytes:
        """The answer's message, without a word in it."""
        message = self.answer.to_message(
            content={"content_type": "text", "parts": [""]},
            status="in_progress",
            end_turn=None,
            channel=self.reply.channel,
            metadata=self._metadata(),
        )
        marker = self._notice(
            "message_marker", message_id=self.answer.id, marker="user_visible_token", event="first"
        )
        return self._root(message, 2 + len(self.reply.asides)) + marker

    def piece(self, piece: str, *, first: bool) -> bytes:
        """More text. The first says where it goes and how; those after it say no more than what."""
        return self.delta({"p": _TEXT, "o": "append", "v": piece} if first else {"v": piece})

    def end(self, piece: str) -> bytes:
        """The last piece, and that the message is whole."""
        done = {"is_complete": True, "finish_details": {"type": "stop", "stop_tokens": [200002]}}
        changes = [
            {"p": _TEXT, "o": "append", "v": piece},
            {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
            {"p": "/message/end_turn", "o": "replace", "v": True},
            {"p": "/message/metadata", "o": "append", "v": done},
        ]
        return self.delta({"p": "", "o": "patch", "v": changes})

    def delta(self, delta: dict[str, Any]) -> bytes:
        """One delta as an event."""
        return b"event: delta" + self.reply.newline.encode() + self._json(delta)

    def _root(self, message: dict[str, Any], number: int) -> bytes:
        whole = {
            "message": message,
            "conversation_id": self.conversation_id,
            "error": None,
            "error_code": None,
        }
        return self.delta({"p": "", "o": "add", "v": whole, "c": number})

    def _notice(self, kind: str, /, **fields: Any) -> bytes:
        return self._json({"type": kind, **fields, "conversation_id": self.conversation_id})


class _GrowingDeltas:
    """The events of the answer's pieces: its message before the first, and a patch for the last."""

    def __init__(self, events: DeltaEvents) -> None:
        self._events = events
        self._begun = False

    def add(self, piece: str, *, finished: bool) -> bytes:
        """The event of one more piece; `finished` where it says that the reply has come through."""
        first, self._begun = not self._begun, True
        beginning = self._events.beginning() if first else b""
        return beginning + (self._events.end(piece) if finished else self._events.piece(piece, first=first))


def _token() -> str:
    """Something in the form of a JWT. On the site it is a secret."""
    parts = ({"alg": "ES256", "typ": "JWT"}, {"conduit_uuid": uuid.uuid4().hex})
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts), uuid.uuid4().hex]
    )
