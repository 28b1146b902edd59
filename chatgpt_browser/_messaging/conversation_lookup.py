"""Lookups in conversations that decide where a message is attached."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from .._core.errors import APIStatusError
from .._protocol.backend import conversation_path, read_history
from .._protocol.conversation_tree import Turn, newest_turn
from .._transport.base import DeliveryState

if TYPE_CHECKING:
    from .._core.models import QuestionRef
    from .._protocol.backend import History
    from .._transport.base import OutgoingMessage
    from .backend_client import BackendClient

_REMEMBERED_QUESTIONS = 1000


class ConversationLookup:
    """Finds the newest message of a conversation, and keeps account of the questions that got no reply."""

    def __init__(self, backend: BackendClient) -> None:
        self._backend = backend
        #: Ids of questions that were sent and whose reply has not come; or else of the messages before such questions.
        self._unanswered: deque[str] = deque(maxlen=_REMEMBERED_QUESTIONS)

    async def find_current_node(self, conversation_id: str) -> str:
        """Return the id of a conversation's newest message, which is the parent of the next message.

        :raises ConversationNotFoundError: there is no such conversation.
        """
        node = (await self._read(conversation_id)).current_node
        assert node is not None
        return node

    async def find_newest_turn(self, conversation_id: str) -> tuple[str | None, Turn]:
        """Return the id of a conversation's newest message, and the turn that it belongs to.

        :raises ConversationNotFoundError: there is no such conversation.
        """
        conversation = await self._read(conversation_id)
        return conversation.current_node, newest_turn(conversation.raw, frozenset(self._unanswered))

    def note_delivery(self, message: OutgoingMessage) -> None:
        """Remember the question until it is answered, if it was sent or may have been.

        A question whose id is unknown is remembered by the message that it was sent after.
        """
        delivery = message.delivery
        if delivery.state is DeliveryState.NOT_STARTED:
            return
        places = (message.after, message.prompt.parent_message_id)
        ids = places if delivery.message_id is None else (delivery.message_id,)
        self._unanswered.extend(id_ for id_ in ids if id_ is not None and id_ not in self._unanswered)

    def note_answered(self, question: QuestionRef) -> None:
        """Forget a question whose reply is complete."""
        with suppress(ValueError):
            self._unanswered.remove(question.question_id or question.parent_message_id or "")

    async def _read(self, conversation_id: str) -> History:
        data = await self._backend.request_json("GET", conversation_path(conversation_id))
        history = read_history(conversation_id, data)
        if history.current_node is None:
            raise APIStatusError(
                "The site returned a conversation without a current message.", status_code=200
            )
        return history
