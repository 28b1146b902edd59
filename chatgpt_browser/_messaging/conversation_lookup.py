"""Looks up the newest message of a conversation. The next message is sent after this message."""

from __future__ import annotations

from collections import OrderedDict, deque
from contextlib import suppress
from typing import TYPE_CHECKING

from .._core.errors import APIStatusError, ConversationNotFoundError
from .._protocol.backend import conversation_path
from .._protocol.conversation_tree import Turn, newest_after, newest_turn
from .._transport.base import DeliveryState

if TYPE_CHECKING:
    from typing import Any

    from .._core.models import Prompt, QuestionRef
    from .._protocol.reply_reader import ReplyReader
    from .._transport.base import OutgoingMessage
    from .backend_client import BackendClient

_REMEMBERED_QUESTIONS = 1000
_REMEMBERED_TURNS = 100


class ConversationLookup:
    """Finds the newest message of a conversation, and records the questions that have no reply yet."""

    def __init__(self, backend: BackendClient) -> None:
        self._backend = backend
        #: The ids of the questions that were sent and have no reply yet. If the id of such a question is unknown, the id of the
        #: message before the question is stored instead.
        self._unanswered: deque[str] = deque(maxlen=_REMEMBERED_QUESTIONS)
        #: The newest turns with a complete reply. The key is the id of the reply. The value is a pair: the conversation's id and
        #: the turn. The newest turn is the last item.
        self._answered: OrderedDict[str, tuple[str | None, Turn]] = OrderedDict()
        #: Maps the id of a reply to the id of the newest message that the site has stored after the reply, such as an image. The
        #: value is None if the site may still store such a message. In this case, :meth:`find_parent` reads the conversation.
        self._extended: OrderedDict[str, str | None] = OrderedDict()

    async def find_parent(self, conversation_id: str, parent_message_id: str | None) -> str:
        """Return the id of the message after which the next message is sent.

        If ``parent_message_id`` is None, the result is the id of the newest message of the conversation. Otherwise, the result is
        ``parent_message_id``. But if the site has stored an image after the message ``parent_message_id``, the result is the id
        of the message with the image. In the site's own page, the next message also follows the image.

        :raises ConversationNotFoundError: ``parent_message_id`` is None, and there is no such conversation.
        """
        if parent_message_id is None:
            return await self.find_current_node(conversation_id)
        if (found := self._extended.get(parent_message_id, parent_message_id)) is not None:
            return found
        try:
            data, _ = await self._read(conversation_id)
        except ConversationNotFoundError:
            # Possibly, the site has not stored the new conversation yet. Then the site has not stored an image either.
            return parent_message_id
        return newest_after(data, parent_message_id)

    async def find_current_node(self, conversation_id: str) -> str:
        """Return the id of the newest message of a conversation.

        :raises ConversationNotFoundError: there is no such conversation.
        """
        _, node = await self._read(conversation_id)
        return node

    async def find_newest_turn(self, conversation_id: str) -> tuple[str | None, Turn]:
        """Return the id of a conversation's newest message, and the conversation's newest turn.

        :raises ConversationNotFoundError: there is no such conversation.
        """
        data, node = await self._read(conversation_id)
        return node, newest_turn(data, frozenset(self._unanswered))

    def note_delivery(self, message: OutgoingMessage) -> None:
        """If the sending of ``message`` has begun, record the message's id as the id of a question that has no reply yet.

        If the message's id is unknown, record the id of the message before it instead.
        """
        delivery = message.delivery
        if delivery.state is DeliveryState.NOT_STARTED:
            return
        places = (message.after, message.prompt.parent_message_id)
        ids = places if delivery.message_id is None else (delivery.message_id,)
        self._unanswered.extend(id_ for id_ in ids if id_ is not None and id_ not in self._unanswered)

    def note_answered(self, question: QuestionRef, reply: ReplyReader) -> None:
        """Record that the reply to a question is complete, and store the turn for :meth:`find_known_turn`.

        If the end of the reply was read from the stored conversation instead of the stream, the turn is not stored, because not
        all of its messages are known.
        """
        with suppress(ValueError):
            self._unanswered.remove(question.question_id or question.parent_message_id or "")
        if self._note_extended(reply) or question.question_id is None or reply.message_id is None:
            return
        if reply.was_taken:
            return
        parents = frozenset((question.question_id, *reply.message_ids))
        turn = Turn(question.question_id, (reply.message_id,), parents)
        self._answered[reply.message_id] = reply.conversation_id, turn
        if len(self._answered) > _REMEMBERED_TURNS:
            self._answered.popitem(last=False)

    def _note_extended(self, reply: ReplyReader) -> bool:
        """If the site has stored, or may store, messages after the reply, record this and return True. Otherwise return False."""
        message_id = reply.message_id
        if message_id is None:
            return False
        newest, is_pending = reply.turn.newest_stored_after(message_id), reply.turn.has_pending_image()
        if newest is None and not is_pending:
            return False
        self._extended[message_id] = None if is_pending else newest
        if len(self._extended) > _REMEMBERED_TURNS:
            self._extended.popitem(last=False)
        return True

    def find_known_turn(self, prompt: Prompt) -> Turn | None:
        """Return the stored turn whose reply is the prompt's parent message, or None.

        The result is None if this client has not received the parent message as a reply, or if the prompt has no parent message.
        """
        conversation_id, turn = self._answered.get(prompt.parent_message_id or "", (None, None))
        return turn if conversation_id == prompt.conversation_id else None

    async def _read(self, conversation_id: str) -> tuple[Any, str]:
        """Return a stored conversation, and the id of its newest message."""
        data = await self._backend.request_json("GET", conversation_path(conversation_id))
        node = data.get("current_node") if isinstance(data, dict) else None
        if not isinstance(node, str):
            raise APIStatusError(
                "The site returned a conversation without a current message.", status_code=200
            )
        return data, node
