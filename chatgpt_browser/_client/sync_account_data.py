"""Models and past conversations: methods of the synchronous client."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._protocol.backend import ConversationSummary, History, Model
    from .client import AsyncChatGPTAPI
    from .portal import Portal

__all__ = ["AccountDataMixin"]


class AccountDataMixin:
    """The methods of :class:`ChatGPTAPI` for models and past conversations; see :class:`AsyncChatGPTAPI`."""

    _core: AsyncChatGPTAPI
    _portal: Portal

    def list_models(self) -> list[Model]:
        """Return the models that the account may use."""
        return self._portal.call(self._core.list_models)

    def list_conversations(self, offset: int = 0, limit: int = 20) -> list[ConversationSummary]:
        """Return one page of the account's conversations, newest first."""
        return self._portal.call(self._core.list_conversations, offset, limit)

    def iter_conversations(self, page_size: int = 20) -> Iterator[ConversationSummary]:
        """Iterate over all conversations of the account, newest first; pages are fetched as needed."""
        conversations = self._core.iter_conversations(page_size)
        while (found := self._portal.call(anext, conversations, None)) is not None:
            yield found

    def get_history(self, conversation_id: str) -> History:
        """Return a past conversation with its messages."""
        return self._portal.call(self._core.get_history, conversation_id)

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        """Change a conversation's title."""
        self._portal.call(self._core.rename_conversation, conversation_id, title)

    def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation from the account's list, as the site's Delete button does."""
        self._portal.call(self._core.delete_conversation, conversation_id)

    def generate_title(self, conversation_id: str, message_id: str | None = None) -> str:
        """Let the site generate a title from the given message, or from the newest one, and return the title."""
        return self._portal.call(self._core.generate_title, conversation_id, message_id)
