"""Beyond the document: the account's models and its past conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._protocol.backend import (
    conversation_path,
    conversations_path,
    read_conversations,
    read_history,
    read_models,
    read_title,
    title_path,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .._messaging.sender import MessageSender
    from .._protocol.backend import ConversationSummary, History, Model

__all__ = ["AsyncLibrary"]


class AsyncLibrary:
    """The part of :class:`AsyncChatGPTAPI` that reads and keeps what is already there.

    Every method raises :class:`APIStatusError` where the site refuses, :class:`ConversationNotFoundError` where there is no
    such conversation, and what :meth:`AsyncChatGPTAPI.refresh_access_token` raises.
    """

    _sender: MessageSender

    async def list_models(self) -> list[Model]:
        """The models that the account may use."""
        return read_models(await self._sender.backend.request_json("GET", "models"))

    async def list_conversations(self, offset: int = 0, limit: int = 20) -> list[ConversationSummary]:
        """A page of the account's conversations, the newest first."""
        return read_conversations(
            await self._sender.backend.request_json("GET", conversations_path(offset, limit))
        )

    async def iter_conversations(self, page_size: int = 20) -> AsyncIterator[ConversationSummary]:
        """All of the account's conversations, fetched page by page as they are read."""
        offset = 0
        while page := await self.list_conversations(offset, page_size):
            for conversation in page:
                yield conversation
            offset += len(page)

    async def get_history(self, conversation_id: str) -> History:
        """A past conversation with its messages."""
        return read_history(
            conversation_id,
            await self._sender.backend.request_json("GET", conversation_path(conversation_id)),
        )

    async def rename_conversation(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title."""
        await self._sender.backend.request_json("PATCH", conversation_path(conversation_id), {"title": title})

    async def delete_conversation(self, conversation_id: str) -> None:
        """Take a conversation out of the account's list, as the site's own button does."""
        await self._sender.backend.request_json(
            "PATCH", conversation_path(conversation_id), {"is_visible": False}
        )

    async def generate_title(self, conversation_id: str, message_id: str | None = None) -> str:
        """Have the site make a title for a conversation, from the message given or else its newest."""
        node = message_id or await self._sender.conversations.find_current_node(conversation_id)
        body = {"message_id": node, "model": self._sender.options.model}
        return read_title(await self._sender.backend.request_json("POST", title_path(conversation_id), body))
