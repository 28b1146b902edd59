"""The position in a conversation: where its next message goes, and when the ids advance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .._core.models import Prompt

if TYPE_CHECKING:
    from .._protocol.reply_reader import ReplyReader

__all__ = ["ConversationPosition"]


class ConversationPosition:
    """The ids that the next message of a conversation refers to. They advance only when a reply is complete."""

    def __init__(self, conversation_id: str | None, parent_message_id: str | None) -> None:
        #: The conversation's id; None for a new conversation.
        self.conversation_id = conversation_id
        #: The id of the message that the next message replies to; None: the newest of the conversation.
        self.parent_message_id = parent_message_id
        self._lock = anyio.Semaphore(1)

    def next_slot(self, message: str) -> _NextSlot:
        """Return the slot of the next message. Slots are acquired in the order of the calls of ``acquire``."""
        return _NextSlot(self, message)

    async def wait(self) -> None:
        """Wait until the messages before this one are finished."""
        await self._lock.acquire()

    def advance(self, reply: ReplyReader | None) -> None:
        """Take over the ids of a complete reply, if there is one, and let the next message be sent."""
        if reply is not None:
            self.conversation_id = reply.conversation_id or self.conversation_id
            self.parent_message_id = reply.message_id or self.parent_message_id
        self._lock.release()


class _NextSlot:
    """The slot of a conversation's next message, after its newest reply."""

    def __init__(self, position: ConversationPosition, message: str) -> None:
        self._position = position
        self._message = message

    async def acquire(self) -> Prompt:
        """Wait until the messages before this one are finished, and return what to send."""
        await self._position.wait()
        return Prompt(self._message, self._position.conversation_id, self._position.parent_message_id)

    def release(self, reply: ReplyReader | None) -> None:
        """Advance the conversation if the reply is complete, and let the next message be sent."""
        self._position.advance(reply)
