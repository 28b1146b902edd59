"""The position in a conversation: the ids that the next message is sent with. Each complete reply updates these ids."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio

from .._core.models import Prompt

if TYPE_CHECKING:
    from .._core.message_options import MessageOptions
    from .._core.public import MaybeNone
    from .._protocol.reply_reader import ReplyReader


class ConversationPosition:
    """The ids that are sent with the next message of a conversation. The ids change only when a reply is complete."""

    def __init__(self, conversation_id: str | None, parent_message_id: str | None) -> None:
        #: The conversation's id, or None before its first reply. The caller may set this attribute.
        self.conversation_id: str | MaybeNone = conversation_id
        #: The message id of the newest reply, or None. The caller may set this attribute.
        self.parent_message_id: str | MaybeNone = parent_message_id
        self._lock = anyio.Semaphore(1)  # Tasks that wait acquire the semaphore in the order of their calls.

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conversation_id or 'new'}>"


class NextSlot:
    """The :class:`.ConversationSlot` of a conversation's next message. The message follows the newest complete reply."""

    def __init__(self, position: ConversationPosition, message: str, options: MessageOptions) -> None:
        self._position = position
        self._message = message
        self._options = options
        self._queued_at = time.time()

    async def acquire(self) -> Prompt:
        """Wait until the earlier messages of the conversation have released their slots. Return the prompt to send."""
        await self._position._lock.acquire()
        position = self._position
        return Prompt(
            self._message,
            position.conversation_id,
            position.parent_message_id,
            self._options,
            queued_at=self._queued_at,
        )

    def release(self, reply: ReplyReader | None) -> None:
        """Store the ids of the complete reply, if there is one. Then allow the next message to be sent."""
        if reply is not None:
            self._position.conversation_id = reply.conversation_id or self._position.conversation_id
            self._position.parent_message_id = reply.message_id or self._position.parent_message_id
        self._position._lock.release()
