"""The synchronous face of :mod:`chatgpt_browser._client.account_data`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._protocol.backend import ConversationSummary, History, Model
    from .client import AsyncChatGPTAPI
    from .portal import Portal

__all__ = ["Library"]


class Library:
    """The part of :class:`ChatGPTAPI` that reads and keeps what is already there; see :class:`AsyncChatGPTAPI`."""

    _core: AsyncChatGPTAPI
    _portal: Portal

    def list_models(self) -> list[Model]:
        """The models that the account may use."""
        return self._portal.call(self._core.list_models)

    def list_conversations(self, offset: int = 0, limit: int = 20) -> list[ConversationSummary]:
        """A page of the account's conversations, the newest first."""
        return self._portal.call(self._core.list_conversations, offset, limit)

    def iter_conversations(self, page_size: int = 20) -> Iterator[ConversationSummary]:
        """All of the account's conversations, fetched page by page as they are read."""
        conversations = self._core.iter_conversations(page_size)
        while (found := self._portal.call(anext, conversations, None)) is not None:
            yield found

    def get_history(self, conversation_id: str) -> History:
        """A past conversation with its messages."""
        return self._portal.call(self._core.get_history, conversation_id)

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title."""
        self._portal.call(self._core.rename_conversation, conversation_id, title)

    def delete_conversation(self, conversation_id: str) -> None:
        """Take a conversation out of the account's list, as the site's own button does."""
        self._portal.call(self._core.delete_conversation, conversation_id)

    def generate_title(self, conversation_id: str, message_id: str | None = None) -> str:
        """Have the site make a title for a conversation, from the message given or else its newest."""
        return self._portal.call(self._core.generate_title, conversation_id, message_id)
