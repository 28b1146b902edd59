"""A conversation: messages that follow each other, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .._core.models import Prompt
from .._core.public import public_type

if TYPE_CHECKING:
    from .._core.abort import AbortSignal
    from .._core.options import Milliseconds
    from .._messaging.reply_stream import AsyncReplyStream
    from .._protocol.reply_reader import ReplyReader
    from .callbacks import OnConversationResponse, OnProgress
    from .client import AsyncChatGPTAPI

__all__ = ["AsyncChatGPTConversation"]


class _NextSlot:
    """The slot of a conversation's next message, after its newest reply."""

    def __init__(self, conversation: AsyncChatGPTConversation, message: str) -> None:
        self._conversation = conversation
        self._message = message

    async def acquire(self) -> Prompt:
        """Wait until the messages before this one are finished, and return what to send."""
        conversation = self._conversation
        await conversation._lock.acquire()
        return Prompt(self._message, conversation.conversation_id, conversation.parent_message_id)

    def release(self, reply: ReplyReader | None) -> None:
        """Advance the conversation if the reply is complete, and let the next message be sent."""
        conversation = self._conversation
        if reply is not None:
            conversation.conversation_id = reply.conversation_id or conversation.conversation_id
            conversation.parent_message_id = reply.message_id or conversation.parent_message_id
        conversation._lock.release()


@public_type
class AsyncChatGPTConversation:
    """Sends messages as one conversation, in the order in which they are sent (the document's ``ChatGPTConversation``).

    ``conversation_id`` and ``parent_message_id`` move forward when a reply has come through, and only then: after a failure
    the conversation can be tried again where it stood. Both may be set, to go on elsewhere.
    """

    def __init__(
        self,
        api: AsyncChatGPTAPI,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
    ) -> None:
        self.api = api
        self.conversation_id = conversation_id
        self.parent_message_id = parent_message_id
        self._lock = anyio.Semaphore(1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conversation_id or 'new'}>"

    def _next_slot(self, message: str) -> _NextSlot:
        return _NextSlot(self, message)

    async def send_message(
        self,
        message: str,
        *,
        timeout_ms: Milliseconds | None = None,
        on_progress: OnProgress | None = None,
        on_conversation_response: OnConversationResponse | None = None,
        abort_signal: AbortSignal | None = None,
    ) -> str:
        """Send the next message and give its whole reply; see :meth:`AsyncChatGPTAPI.send_message`."""
        stream = self.api._stream(
            self._next_slot(message), timeout_ms, abort_signal, on_conversation_response is not None
        )
        return await self.api._follow(stream, on_progress, on_conversation_response)

    def stream_message(
        self, message: str, *, timeout_ms: Milliseconds | None = None, abort_signal: AbortSignal | None = None
    ) -> AsyncReplyStream:
        """Send the next message and give its reply as it comes; see :meth:`AsyncChatGPTAPI.stream_message`.

        Until the stream has been read to its end or left, the conversation's next message waits.
        """
        return self.api._stream(self._next_slot(message), timeout_ms, abort_signal)
