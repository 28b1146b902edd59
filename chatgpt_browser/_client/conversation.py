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

__all__ = ["AsyncChatGPTConversation", "Somewhere"]


class Somewhere:
    """The place of a message that belongs to no conversation object: it waits for nobody there."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    async def enter(self) -> Prompt:
        return self._prompt

    def leave(self, reply: ReplyReader | None) -> None:
        pass


class _Next:
    """The place behind a conversation's newest reply."""

    def __init__(self, conversation: AsyncChatGPTConversation, message: str) -> None:
        self._conversation = conversation
        self._message = message

    async def enter(self) -> Prompt:
        conversation = self._conversation
        await conversation._turn.acquire()
        return Prompt(self._message, conversation.conversation_id, conversation.parent_message_id)

    def leave(self, reply: ReplyReader | None) -> None:
        conversation = self._conversation
        if reply is not None:
            conversation.conversation_id = reply.conversation_id or conversation.conversation_id
            conversation.parent_message_id = reply.message_id or conversation.parent_message_id
        conversation._turn.release()


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
        self._turn = anyio.Semaphore(1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conversation_id or 'new'}>"

    def _next(self, message: str) -> _Next:
        return _Next(self, message)

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
            self._next(message), timeout_ms, abort_signal, on_conversation_response is not None
        )
        return await self.api._follow(stream, on_progress, on_conversation_response)

    def stream_message(
        self, message: str, *, timeout_ms: Milliseconds | None = None, abort_signal: AbortSignal | None = None
    ) -> AsyncReplyStream:
        """Send the next message and give its reply as it comes; see :meth:`AsyncChatGPTAPI.stream_message`.

        Until the stream has been read to its end or left, the conversation's next message waits.
        """
        return self.api._stream(self._next(message), timeout_ms, abort_signal)
