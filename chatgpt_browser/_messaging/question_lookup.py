"""Finds out whether the site has received a message for which the client has received no response."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._core.errors import ConversationNotFoundError
from .._core.models import QuestionRef
from .._protocol.backend import conversation_path, conversations_path, read_conversations
from .._protocol.stored_questions import find_question

if TYPE_CHECKING:
    from datetime import datetime

    from .._protocol.backend import ConversationSummary
    from .._protocol.stored_questions import SentMessage
    from .backend_client import BackendClient

#: The maximum number of conversations that are read. Each conversation needs one request.
_MAX_CONVERSATIONS = 10
#: The maximum number of pages that are read from the list of conversations, and the number of conversations on a page.
_MAX_PAGES, _PAGE_SIZE = 5, 20
#: The maximum difference in seconds between the clock of this machine and the clock of the site.
CLOCK_DIFFERENCE = 60.0


async def look_up_question(backend: BackendClient, sent: SentMessage) -> QuestionRef | None:
    """Return the ids of a sent message if the site has received it. Otherwise return None.

    If the id of the conversation is unknown, the message has started a new conversation. In this case, read the conversations
    that have changed since the message was sent. Begin with the conversation whose creation time is closest to the sending time.

    :raises ChatGPTError: the conversations could not be read, so that the result is unknown.
    """
    if sent.conversation_id is not None:
        return await _look_into(backend, sent.conversation_id, sent)
    recent = await _list_since(backend, sent.sending_at - CLOCK_DIFFERENCE)
    recent.sort(key=lambda each: _distance(each.create_time, sent.sending_at))
    for conversation in recent[:_MAX_CONVERSATIONS]:
        if (found := await _look_into(backend, conversation.id, sent)) is not None:
            return found
    return None


async def _list_since(backend: BackendClient, since: float) -> list[ConversationSummary]:
    """Return the conversations that have changed since a time, the newest first."""
    found: list[ConversationSummary] = []
    for page in range(_MAX_PAGES):
        path = conversations_path(page * _PAGE_SIZE, _PAGE_SIZE)
        listed = read_conversations(await backend.request_json("GET", path))
        recent = [each for each in listed if _is_since(each.update_time, since)]
        found += recent
        if len(recent) < _PAGE_SIZE:
            break
    return found


def _is_since(time: datetime | None, since: float) -> bool:
    return time is None or time.timestamp() >= since


def _distance(time: datetime | None, sending_at: float) -> float:
    return math.inf if time is None else abs(time.timestamp() - sending_at)


async def _look_into(backend: BackendClient, conversation_id: str, sent: SentMessage) -> QuestionRef | None:
    try:
        data: Any = await backend.request_json("GET", conversation_path(conversation_id))
    except ConversationNotFoundError:
        return None
    question_id = find_question(data, sent, since=sent.sending_at - CLOCK_DIFFERENCE)
    return None if question_id is None else QuestionRef(conversation_id, question_id, sent.parent_message_id)
