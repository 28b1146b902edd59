"""Searches the site for a message that a killed run may have sent. The result is: sent, not sent, or unknown."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

from chatgpt_browser import ConversationNotFoundError
from chatgpt_browser._protocol.conversation_tree import find_answer, newest_branch
from chatgpt_browser._protocol.message import STOPPED, finish_type, is_finished, is_question, message_text
from chatgpt_browser._protocol.plain_text import to_plain_text
from chatgpt_browser._protocol.reply_text import clean_text

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from chatgpt_browser import ChatGPTAPI, History

    from .journal import Attempt

#: The maximum number of conversations that are read to find one message.
_MAX_CONVERSATIONS = 30
#: The assumed maximum difference between the clock of this machine and the clock of the site, in seconds.
_CLOCK_DIFFERENCE = 600
#: This many seconds after the site has accepted a message, the message is certainly stored in its conversation.
_CREATION_TIME = 60


class Fate(Enum):
    """The state of a message on the site. In an uncertain row of the results, the member's value is the reason."""

    ANSWERED = "it was sent, and it has a reply"
    UNANSWERED = "It was sent, and its reply is not complete."
    NOT_SENT = "it was not sent"
    UNKNOWN = "It may have been sent."


@dataclass(frozen=True)
class Finding:
    """The fate of a message, its reply, the id of its conversation, and the id of the reply. An unknown field is None."""

    fate: Fate
    reply: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None


def find_message(
    api: ChatGPTAPI, attempt: Attempt, *, markdown: bool, taken: Container[str | None] = ()
) -> Finding:
    """Look for a message on the site and return what was found. No message is sent.

    :param taken: the ids of conversations that belong to other messages of the batch. If the message started a new conversation,
        these conversations are not searched.
    :raises ChatGPTError: the site could not be read.
    """
    is_complete = True
    for history in _candidates(api, attempt, taken):
        if history is None:
            is_complete = False
        elif (question := _question(history, attempt)) is not None:
            return _answer(history, question, markdown)
        elif attempt.message_id is None and _has_other_question(history, attempt):
            # A question with a different text may still be the message, because the site's page may have changed the text.
            is_complete = False
    is_identifiable = attempt.message_id is not None or attempt.conversation_id is not None
    is_old = time.time() - attempt.at > _CREATION_TIME
    return Finding(Fate.NOT_SENT if is_complete and is_identifiable and is_old else Fate.UNKNOWN)


def _candidates(api: ChatGPTAPI, attempt: Attempt, taken: Container[str | None]) -> Iterator[History | None]:
    """Yield the conversations that may contain the message. If a conversation cannot be read, or there are too many, yield None.

    After None, the caller cannot conclude that the message was not sent.
    """
    if attempt.conversation_id is not None:
        yield _history(api, attempt.conversation_id)
        return
    since = attempt.at - _CLOCK_DIFFERENCE
    for number, summary in enumerate(api.iter_conversations()):
        if number == _MAX_CONVERSATIONS:
            yield None
            return
        changed = summary.update_time or summary.create_time
        if changed is not None and changed < datetime.fromtimestamp(since, timezone.utc):
            return
        if summary.id not in taken:
            yield _history(api, summary.id)


def _history(api: ChatGPTAPI, conversation_id: str) -> History | None:
    try:
        return api.get_history(conversation_id)
    except (ConversationNotFoundError, ValueError):
        return None


def _question(history: History, attempt: Attempt) -> str | None:
    """Return the id of the message in this conversation, or None if the conversation does not contain the message.

    If the client gave the message an id, search for this id. Otherwise, search for the newest question with the same text.
    """
    if attempt.message_id is not None:
        nodes = history.raw.get("mapping")
        return attempt.message_id if isinstance(nodes, dict) and attempt.message_id in nodes else None
    for id_, message in _questions_after(history, attempt):
        if message_text(message).split() == attempt.prompt.split():
            return id_
    return None


def _has_other_question(history: History, attempt: Attempt) -> bool:
    return attempt.conversation_id is not None and any(True for _ in _questions_after(history, attempt))


def _questions_after(history: History, attempt: Attempt) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the questions that may be the message, newest first.

    If the parent of the message is known, yield all questions after the parent. Otherwise, yield the questions that are not
    older than the attempt.
    """
    for id_, node in newest_branch(history.raw):
        if id_ == attempt.parent_message_id:
            return
        message = node.get("message")
        if isinstance(message, dict) and is_question(message) and isinstance(message.get("content"), dict):
            created = message.get("create_time")
            is_new = isinstance(created, (int, float)) and created >= attempt.at - _CLOCK_DIFFERENCE
            if attempt.parent_message_id is not None or is_new:
                yield id_, message


def _answer(history: History, question_id: str, markdown: bool) -> Finding:
    answer = find_answer(history.raw, questions=(question_id,))
    if answer is None or not is_finished(answer) or finish_type(answer) == STOPPED:
        return Finding(Fate.UNANSWERED, None, history.conversation_id, None)
    text = clean_text(message_text(answer))
    id_ = answer.get("id")
    return Finding(
        Fate.ANSWERED,
        text if markdown else to_plain_text(text),
        history.conversation_id,
        id_ if isinstance(id_, str) else None,
    )
