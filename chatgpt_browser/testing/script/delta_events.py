"""Encodes a streamed reply in the site's newer format (`delta_encoding` v1). Each event contains only the change."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from .cumulative_events import PieceEncoder, ReplyEvents, system_message
from .reply_parts import asides_of

_TEXT = "/message/content/parts/0"


class DeltaEvents(ReplyEvents):
    """Encodes the events of one `Reply` as deltas. Between the deltas, it adds the site's notices (events with a `type`)."""

    def opening(self) -> list[bytes]:
        """Return the events that come before the side messages and the answer.

        The first event contains the name of the encoding. The second event contains a token for resuming the stream. If
        `echo_user` is true, the next events contain a system message and the user's message.
        """
        blocks = [
            self._block(b'event: delta_encoding\ndata: "v1"'),
            self._notice("resume_conversation_token", kind="conduit", token=_resume_token()),
        ]
        if self.reply.echo_user:
            question = self.user_message.to_message(channel=None)
            blocks += [
                self._root(system_message(), 0),
                self._root(question, 1),
                self._notice("input_message", input_message=question),
            ]
        return [*blocks, *self.fillers()]

    def side_message_events(self) -> list[bytes]:
        """Return the events of the side messages and of the alternative answer.

        Each side message has four deltas; the field `c` contains the number of the message. The alternative answer has a notice
        and one delta.
        """
        blocks = []
        pairs = zip(asides_of(self.reply), self.side_messages, strict=True)
        for number, (aside, message) in enumerate(pairs, start=2):
            half = len(aside.text) // 2
            end = {"p": "/message/status", "o": "replace", "v": aside.status, "c": number}
            blocks += [
                self._root(message.to_message(content=aside.content(""), status="in_progress"), number),
                self._delta({"p": aside.text_path, "o": "append", "v": aside.text[:half]}),
                self._delta({"v": aside.text[half:]}),
                self._delta(end),
            ]
        if self.alternative is not None:
            other = self.alternative.to_message(channel=self.reply.channel)
            notice = self._notice("num_variants_in_stream", num_variants_in_stream=2)
            blocks += [notice, self._root(other, self._number)]
        return blocks

    def piece_encoder(self) -> PieceEncoder:
        """Return a function that encodes the pieces of the answer.

        For the first piece, the function also returns the delta that adds the answer's message. The last piece of a complete
        answer is encoded as a patch, which also marks the answer as complete.
        """
        is_started = False

        def encode(piece: str, is_finished: bool) -> bytes:
            nonlocal is_started
            is_first, is_started = not is_started, True
            start = self._start() if is_first else b""
            if is_finished:
                return start + self._finish(piece)
            # Only the first delta contains the path and the operation. They also apply to the deltas after it.
            return start + self._delta({"p": _TEXT, "o": "append", "v": piece} if is_first else {"v": piece})

        return encode

    def closing(self) -> list[bytes]:
        """Return the events after the answer: notices, hand-off, error, `[DONE]`, and the bytes after `[DONE]`."""
        blocks = []
        if self.reply.moderation:
            blocks.append(self._notice("moderation", moderation_response={"blocked": False}))
        if self.reply.withheld is not None:
            verdict = {"blocked": True, "message": self.reply.withheld}
            blocks.append(self._notice("moderation", moderation_response=verdict))
        if self.is_complete:
            about = {"model_slug": self.model, "tool_invoked": False, "message_id": self.answer.id}
            blocks += [
                self._notice("server_ste_metadata", metadata=about),
                self._notice("message_stream_complete"),
                self._notice("title_generation", title="New chat"),
                self._notice("conversation_detail_metadata", banner_info=None, blocked_features=[]),
            ]
        return [*blocks, *self._ending()]

    def _error(self) -> object:
        """Return the value of the field `error` in the event with the error. Unlike in the older format, a text is unchanged."""
        return self.reply.error

    @property
    def _number(self) -> int:
        """The value of the field `c` for the first message after the side messages.

        The system message has the number 0 and the user's message has the number 1. The side messages have the numbers from 2 on.
        """
        return 2 + len(self.side_messages)

    def _start(self) -> bytes:
        """Return the delta that adds the answer's message with an empty text, and the notice that follows this delta."""
        message = self.answer.to_message(
            content={"content_type": "text", "parts": [""]},
            status="in_progress",
            end_turn=None,
            **self.answer_fields(),
        )
        about = {"message_id": self.answer.id, "marker": "user_visible_token", "event": "first"}
        number = self._number + (self.alternative is not None)
        return self._root(message, number) + self._notice("message_marker", **about)

    def _finish(self, piece: str) -> bytes:
        """Return the patch that appends the last piece and marks the message as complete."""
        final = self.final_fields()
        changes = [
            {"p": _TEXT, "o": "append", "v": piece},
            {"p": "/message/status", "o": "replace", "v": final["status"]},
            {"p": "/message/end_turn", "o": "replace", "v": final["end_turn"]},
            {"p": "/message/metadata", "o": "append", "v": self.final_metadata()},
        ]
        return self._delta({"p": "", "o": "patch", "v": changes})

    def final_metadata(self) -> dict[str, Any]:
        """Return the metadata that is added to the answer when the answer is complete."""
        finish = {"type": self.reply.finish, "stop_tokens": [200002]}
        return {"is_complete": True, "finish_details": finish, **self._references()}

    def answer_fields(self) -> dict[str, Any]:
        """Return the answer's channel and metadata, as arguments for `Message.to_message`."""
        return {"channel": self.reply.channel, "metadata": self.metadata()}

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return b"event: delta" + self.reply.newline.encode() + self._json(delta)

    def _root(self, message: dict[str, Any], number: int) -> bytes:
        ids = {"conversation_id": self.conversation_id}
        whole = {"message": message, **ids, "error": None, "error_code": None}
        return self._delta({"p": "", "o": "add", "v": whole, "c": number})

    def _notice(self, kind: str, /, **fields: Any) -> bytes:
        return self._json({"type": kind, **fields, "conversation_id": self.conversation_id})


def _resume_token() -> str:
    """Return a random token in the format of the site's resume token, a JWT. Unlike the site's token, it is not a secret."""
    parts = ({"alg": "ES256", "typ": "JWT"}, {"conduit_uuid": uuid.uuid4().hex})
    head, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return f"{head}.{claims}.{uuid.uuid4().hex}"
