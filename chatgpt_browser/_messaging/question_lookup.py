"""Finds out whether the site has received a message whose sender did not see the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.errors import ConversationNotFoundError
from .._core.models import QuestionRef
from .._protocol.backend import conversation_path, conversations_path, read_conversations
from .._protocol.stored_questions import find_question

if TYPE_CHECKING:
    from .._protocol.stored_questions import SentMessage
    from .backend_client import BackendClient

#: At most this many of the newest conversations are read. Each conversation is one request.
_MAX_CONVERSATIONS = 10
#: The clocks of this machine and of the site may differ by this number of seconds.
CLOCK_DIFFERENCE = 60.0


async def look_up_question(backend: BackendClient, sent: SentMessage) -> QuestionRef | None:
    """Return the ids of the message if the site has received it. Otherwise return None.

    If the id of the conversation is unknown, the message has started a new conversation. Then the conversations that have changed
    since the message was sent are read.

    :raises ChatGPTError: the conversations could not be read, so that the result is unknown.
    """
    if sent.conversation_id is not None:
        return await _look_into(backend, sent.conversation_id, sent)
    listed = read_conversations(await backend.request_json("GET", conversations_path(0, 20)))
    since = sent.sending_at - CLOCK_DIFFERENCE
    recent = [each.id for each in listed if each.update_time is None or each.update_time.timestamp() >= since]
    for conversation_id in recent[:_MAX_CONVERSATIONS]:
        if (found := await _look_into(backend, conversation_id, sent)) is not None:
            return found
    return None


async def _look_into(backend: BackendClient, conversation_id: str, sent: SentMessage) -> QuestionRef | None:
    try:
        data: Any = await backend.request_json("GET", conversation_path(conversation_id))
    except ConversationNotFoundError:
        return None
    question_id = find_question(data, sent, since=sent.sending_at - CLOCK_DIFFERENCE)
    return None if question_id is None else QuestionRef(conversation_id, question_id, sent.parent_message_id)
