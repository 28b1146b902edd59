"""Finds the answer to one question in a stored conversation (``GET /conversation/{id}``), and the progress of this answer."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from .conversation_tree import find_messages_after
from .message import STOPPED, answer_rank, finish_type, has_ended_turn, is_finished, is_remark

if TYPE_CHECKING:
    from collections.abc import Sequence


class Progress(Enum):
    """The progress of an answer in a stored conversation."""

    #: The conversation does not contain the question, or no message follows the question.
    MISSING = "missing"
    #: The site is still writing the answer, or messages that precede the answer.
    UNDER_WAY = "under way"
    #: The site has stopped writing before the answer was complete.
    STOPPED = "stopped"
    #: The answer is complete.
    COMPLETE = "complete"


class StoredAnswer(NamedTuple):
    """The progress and the message of an answer in a stored conversation. ``message`` is None if there is no answer yet.

    ``messages`` contains all messages after the question (the answer, and for example thoughts and tool calls), newest first.
    """

    progress: Progress
    message: dict[str, Any] | None = None
    messages: tuple[dict[str, Any], ...] = ()


def read_stored_answer(data: Any, questions: Sequence[str | None], answer_id: str | None) -> StoredAnswer:
    """Return the answer to a question from a stored conversation.

    :param questions: the ids that the question may have in the conversation.
    :param answer_id: the id of the answer, or None if it is unknown. If the question has several answers, this id selects one.
    """
    messages = find_messages_after(data, questions, answer_id)
    objects = [message for message in messages if isinstance(message, dict)]
    answer: dict[str, Any] | None = max(objects, key=answer_rank, default=None)
    if answer is not None and not (answer_rank(answer) and answer.get("id")):
        answer = None
    if answer is not None and finish_type(answer) == STOPPED:
        return StoredAnswer(Progress.STOPPED, answer, tuple(objects))
    if answer is not None and answer.get("status") != "in_progress" and is_finished(answer):
        return StoredAnswer(Progress.COMPLETE, answer, tuple(objects))
    is_written = any(message.get("status") == "in_progress" for message in objects)
    # If there are only thoughts, tool calls or remarks, the turn has not ended. `async_status` is set until the turn has ended.
    is_open = bool(objects) and not has_ended_turn(objects[0]) and (answer is None or is_remark(answer))
    if is_written or is_open or (data.get("async_status") if isinstance(data, dict) else None):
        return StoredAnswer(Progress.UNDER_WAY, answer, tuple(objects))
    return StoredAnswer(Progress.MISSING if answer is None else Progress.STOPPED, answer, tuple(objects))
