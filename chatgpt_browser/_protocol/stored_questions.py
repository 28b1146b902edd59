"""Finds a message of the user in a stored conversation: by its id, or by its text, position and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .conversation_tree import newest_branch
from .message import is_question, message_text

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class SentMessage:
    """The known facts about a question that was sent, but whose response was not received.

    * ``sending_at`` is the time of sending in seconds since the epoch.
    * ``question_id`` is None if the site's page chose the id of the question. Then the question is found by its text.
    * ``others`` contains the ids of the questions of other jobs. These questions are skipped.
    * ``has_text(text)`` returns whether ``text`` is the text of the question.
    """

    sending_at: float
    conversation_id: str | None = None
    parent_message_id: str | None = None
    question_id: str | None = None
    others: frozenset[str] = frozenset()
    has_text: Callable[[str], bool] = lambda _: False


def find_question(data: Any, sent: SentMessage, *, since: float) -> str | None:
    """Return the id of the question ``sent``, or None if the stored conversation does not contain this question.

    If ``sent.question_id`` is None, the question is found by its text. The result is the id of the newest question that has this
    text, is not older than ``since``, and is not in ``sent.others``. If the newest branch contains the message
    ``sent.parent_message_id``, only the questions after that message are searched.
    """
    nodes = data.get("mapping") if isinstance(data, dict) else None
    if not isinstance(nodes, dict):
        return None
    if sent.question_id is not None:
        return sent.question_id if sent.question_id in nodes else None
    branch = [(name, node.get("message")) for name, node in newest_branch(data)]
    names = [name for name, _ in branch]
    if sent.parent_message_id in names:
        branch = branch[: names.index(sent.parent_message_id)]
    for name, message in branch:
        if name not in sent.others and is_question(message) and _is_same(message, sent, since):
            return name
    return None


def _is_same(message: Any, sent: SentMessage, since: float) -> bool:
    created = message.get("create_time")
    is_old = isinstance(created, (int, float)) and created < since
    content = message.get("content")
    return not is_old and isinstance(content, dict) and sent.has_text(message_text(message))
