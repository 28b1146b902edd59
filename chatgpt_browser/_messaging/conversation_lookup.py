"""Lookups in conversations that decide where a message is attached."""

from __future__ import annotations

from collections import OrderedDict, deque
from contextlib import suppress
from typing import TYPE_CHECKING

from .._core.errors import APIStatusError
from .._protocol.backend import conversation_path, read_history
from .._protocol.conversation_tree import Turn, newest_turn
from .._transport.base import DeliveryState

if TYPE_CHECKING:
    from .._core.models import Prompt, QuestionRef
    from .._protocol.backend import History
    from .._protocol.reply_reader import ReplyReader
    from .._transport.base import OutgoingMessage
    from .backend_client import BackendClient

_REMEMBERED_QUESTIONS = 1000
_REMEMBERED_TURNS = 100


class ConversationLookup:
    """Finds the newest message of a conversation, and keeps account of the questions that got no reply."""

    def __init__(self, backend: BackendClient) -> None:
        self._backend = backend
        #: Ids of questions that were sent and whose reply has not come; or else of the messages before such questions.
        self._unanswered: deque[str] = deque(maxlen=_REMEMBERED_QUESTIONS)
        #: The newest turns whose reply is complete, with the conversation's id, the newest last. The key is the reply's id.
        self._answered: OrderedDict[str, tuple[str | None, Turn]] = OrderedDict()

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

    def note_answered(self, question: QuestionRef, reply: ReplyReader) -> None:
        """Forget a question whose reply is complete, and remember the turn that it belongs to.

        The turn of a reply that was handed off is not remembered, since the stream did not contain all of its messages.
        """
        with suppress(ValueError):
            self._unanswered.remove(question.question_id or question.parent_message_id or "")
        if question.question_id is None or reply.message_id is None or reply.is_handed_off:
            return
        parents = frozenset((question.question_id, *reply.message_ids))
        turn = Turn(question.question_id, (reply.message_id,), parents)
        self._answered[reply.message_id] = reply.conversation_id, turn
        if len(self._answered) > _REMEMBERED_TURNS:
            self._answered.popitem(last=False)

    def find_known_turn(self, prompt: Prompt) -> Turn | None:
        """Return the turn of the reply that a message is sent after, if this client has received that reply.

        None if the message is sent after the newest message, whichever that is.
        """
        conversation_id, turn = self._answered.get(prompt.parent_message_id or "", (None, None))
        return turn if conversation_id == prompt.conversation_id else None

    async def _read(self, conversation_id: str) -> History:
        data = await self._backend.request_json("GET", conversation_path(conversation_id))
        history = read_history(conversation_id, data)
        if history.current_node is None:
            raise APIStatusError(
                "The site returned a conversation without a current message.", status_code=200
            )
        return history
