"""The choice of the answer among the messages of a stream, while they arrive."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from .message import answer_rank, finish_type, is_question

if TYPE_CHECKING:
    from collections.abc import Collection


class Change(Enum):
    """The effect of a message on the choice of the answer."""

    NONE = "another message, or no message, is the answer"
    ANSWER = "this message is the answer"
    RETRACTED = "this message was the answer, and is not any more"


class AnswerTracker:
    """Chooses the message with the highest rank; among equal ranks, the message that started last."""

    def __init__(self) -> None:
        #: The id of the answer; None if the site has not sent it.
        self.message_id: str | None = None
        #: The id of the user's message that is answered, if the site has repeated that message.
        self.question_id: str | None = None
        #: Why the answer ended, in the site's words (``stop``, ``max_tokens``); None if the site has not sent it.
        self.finish_type: str | None = None
        #: The channel of the deltas that the answer consists of.
        self.channel: Any = None
        self._rank = 0
        self._position = 0  # the answer's position in the stream
        self._positions: dict[str, int] = {}  # all messages' positions, by id

    @property
    def message_ids(self) -> Collection[str]:
        """The ids of all messages in the stream."""
        return self._positions.keys()

    def has_answer(self) -> bool:
        """Return whether a message was chosen."""
        return self._rank > 0

    def is_answer(self, message: dict[str, Any]) -> bool:
        """Return whether this message was chosen."""
        name = optional_text(message.get("id"))
        return bool(self._rank) and (name is None or name == self.message_id)

    def consider(self, message: dict[str, Any], channel: Any) -> Change:
        """Take a message, new or changed, into account."""
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

    def note_question(self, message: dict[str, Any]) -> None:
        """Remember the id of a message if it is a user's."""
        if is_question(message):
            self.question_id = optional_text(message.get("id"))

    def retract(self) -> None:
        """Drop the choice: the site has hidden the message, or made it a remark."""
        self._rank, self.message_id, self.finish_type = 0, None, None


def optional_text(value: Any) -> str | None:
    """Return a value of the site's JSON if it is a text that is not empty, else None."""
    return value if isinstance(value, str) and value else None
