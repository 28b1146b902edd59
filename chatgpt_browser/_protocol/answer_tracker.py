"""Selects the answer among the messages of a stream, while the messages arrive."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from .message import answer_rank, finish_type, is_question, model_slug, resolved_model
from .unicode_ranges import SURROGATES, contains_any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class Change(Enum):
    """The effect of one message on the choice of the answer, as :meth:`AnswerTracker.consider` returns it."""

    NONE = "another message, or no message, is the answer"
    ANSWER = "this message is the answer"
    RETRACTED = "this message was the answer, and is not any more"


class AnswerTracker:
    """Chooses the answer of a stream: the message with the highest rank (see :func:`.answer_rank`).

    If several messages have the highest rank, the message that started last is chosen.
    """

    def __init__(self) -> None:
        #: The id of the chosen message. None if no message is chosen, or if the chosen message has no id.
        self.message_id: str | None = None
        #: The id of the question that the reply answers. None until the site has repeated the question in the stream.
        self.question_id: str | None = None
        #: The site's reason for the end of the answer (``stop``, ``max_tokens``). None if the site has sent no reason.
        self.finish_type: str | None = None
        #: The name of the model that answers. None until the site has sent this name.
        self.model: str | None = None
        #: The newest notice of the stream about the model. None if the stream contained no such notice.
        self.model_notice: dict[str, Any] | None = None
        self._is_resolved = False  # True if the site chose `model` in place of the requested model.
        #: The channel (``c``) of the deltas that change the answer.
        self.channel: Any = None
        self._rank = 0
        self._position = 0  # The position of the answer in the stream.
        self._positions: dict[str, int] = {}  # Maps the id of a message to its position.

    @property
    def message_ids(self) -> Collection[str]:
        """The ids of all messages in the stream."""
        return self._positions.keys()

    def has_answer(self) -> bool:
        """Return whether any message is currently chosen as the answer."""
        return self._rank > 0

    def is_answer(self, message: dict[str, Any]) -> bool:
        """Return whether this message is the chosen message. A message without an id is treated as the chosen message."""
        name = optional_text(message.get("id"))
        return bool(self._rank) and (name is None or name == self.message_id)

    def consider(self, message: dict[str, Any], channel: Any) -> Change:
        """Update the choice after a message has arrived or changed. Return the effect of this message on the choice."""
        rank = answer_rank(message)
        name = optional_text(message.get("id"))
        position = self._position if name is None else self._positions.setdefault(name, len(self._positions))
        if not rank and not (message.get("id") and self.is_answer(message)):
            self.note_question(message)
            return Change.NONE
        if not rank:
            self.retract()
            return Change.RETRACTED
        if not self.is_answer(message) and (rank, position) < (self._rank, self._position):
            return Change.NONE

        self._rank, self._position, self.channel = rank, position, channel
        self.message_id = name or self.message_id
        self.finish_type = finish_type(message)
        return Change.ANSWER

    def reconsider(self, messages: Iterable[dict[str, Any]]) -> None:
        """Update the choice after messages were read from the stored conversation.

        The site may have hidden or changed the chosen message. Then another message is the answer.
        """
        chosen = next(
            (each for each in messages if self.message_id and each.get("id") == self.message_id), None
        )
        if chosen is not None:
            self.consider(chosen, self.channel)

    def note_question(self, message: dict[str, Any]) -> None:
        """Set ``question_id`` to the id of this message if a user wrote the message."""
        if is_question(message):
            self.question_id = optional_text(message.get("id"))

    def note_model(self, value: dict[str, Any]) -> None:
        """Set ``model`` to the model in the metadata of a message or of a notice, if the metadata contains one.

        A resolved model is a model that the site has chosen in place of the requested model. If a resolved model is known, only
        another resolved model replaces it.
        """
        resolved = resolved_model(value)
        if resolved is not None or not self._is_resolved:
            self.model = resolved or model_slug(value) or self.model
            self._is_resolved = resolved is not None

    def note_model_notice(self, notice: dict[str, Any]) -> None:
        """Store a notice about the model, and set ``model``."""
        self.model_notice = notice
        self.note_model(notice)

    def retract(self) -> None:
        """Undo the choice of the answer: the chosen message was hidden or removed, or can no longer be the answer."""
        self._rank, self.message_id, self.finish_type = 0, None, None


def optional_text(value: Any) -> str | None:
    """Return a value of the site's JSON if it is a non-empty text, else None."""
    return value if isinstance(value, str) and value else None


def optional_id(value: Any) -> str | None:
    """Return a value of the site's JSON if it is a text that can be an id in a URL, else None."""
    text = optional_text(value)
    return None if text in (".", "..") or contains_any(SURROGATES, text or "") else text
