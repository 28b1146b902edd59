"""The position in a conversation: where its next message goes, and when the ids advance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .._core.models import Prompt

if TYPE_CHECKING:
    from .._protocol.reply_reader import ReplyReader


class ConversationPosition:
    """The ids that the next message of a conversation refers to. They advance only when a reply is complete."""

    def __init__(self, conversation_id: str | None, parent_message_id: str | None) -> None:
        #: The conversation's id, or None before its first reply. It may be set.
        self.conversation_id = conversation_id
        #: The message id of the newest reply, or None. It may be set.
        self.parent_message_id = parent_message_id
        self._lock = anyio.Semaphore(1)  # wakes its waiters in the order of their calls

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conversation_id or 'new'}>"


class NextSlot:
    """The slot of a conversation's next message, after its newest reply: a :class:`.ConversationSlot`."""

    def __init__(self, position: ConversationPosition, message: str) -> None:
        self._position = position
        self._message = message

    async def acquire(self) -> Prompt:
        """Wait until the messages before this one are finished, and return what to send."""
        await self._position._lock.acquire()
        return Prompt(self._message, self._position.conversation_id, self._position.parent_message_id)

    def release(self, reply: ReplyReader | None) -> None:
        """Take over the ids of a complete reply, if there is one, and let the next message be sent."""
        if reply is not None:
            self._position.conversation_id = reply.conversation_id or self._position.conversation_id
            self._position.parent_message_id = reply.message_id or self._position.parent_message_id
        self._position._lock.release()
