"""The clients' methods for the account's models and past conversations. The npm API does not have these methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.log import logger
from .._protocol.backend import (
    MODELS,
    conversation_path,
    conversations_path,
    read_conversations,
    read_title,
    title_path,
)
from .file_binding import bind_history

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .._messaging.sender import MessageSender
    from .._protocol.backend import ConversationSummary
    from .._protocol.history import History
    from .._protocol.model_list import Model
    from .file_binding import FileBinder, SyncFileBinder
    from .portal import Portal
    from .reply_file import AsyncReplyFile, ReplyFile


#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True


class AsyncAccountDataMixin:
    """The methods of :class:`AsyncChatGPTAPI` for models and past conversations.

    Every method raises :class:`APIStatusError` if the site refuses the request, and :class:`ConversationNotFoundError` if the
    conversation does not exist. Every method also raises the errors of :meth:`AsyncChatGPTAPI.refresh_access_token`.
    """

    _sender: MessageSender
    _files: FileBinder

    async def list_models(self) -> list[Model]:
        """Return the models that the account may use."""
        from .._protocol.model_list import read_models  # most programs list no models

        return read_models(await self._sender.backend.request_json("GET", MODELS))

    async def list_conversations(self, offset: int = 0, limit: int = 20) -> list[ConversationSummary]:
        """Return at most ``limit`` conversations of the account, newest first. The first ``offset`` conversations are skipped."""
        return read_conversations(await self._sender.backend.read_past(conversations_path(offset, limit)))

    async def iter_conversations(self, page_size: int = 20) -> AsyncIterator[ConversationSummary]:
        """Yield all conversations of the account, newest first.

        The list is requested in pages. A page is requested when its first conversation is needed. Each conversation is yielded
        once, even if conversations are deleted during the iteration. The first 20 pages are requested without a pause, and after
        that at most two pages per second. At most 1,000 pages are requested. If the list is longer, a warning is logged, and the
        iteration ends.
        """
        from .._protocol.conversation_pages import MAX_PAGES, ConversationPages

        pages = ConversationPages(page_size)
        while pages.path is not None:
            for conversation in pages.read(await self._sender.backend.read_past(pages.path)):
                yield conversation
        if pages.is_cut:
            logger.warning("the list of conversations was ended after %d pages", MAX_PAGES)

    async def get_history(self, conversation_id: str) -> History[AsyncReplyFile]:
        """Return a past conversation with its messages. The answers have citations, files, thoughts and tool calls.

        The site limits how often an account may read its conversations. Therefore the first 20 calls are not slowed down, and
        after that, at most two conversations per second are read.

        :raises RateLimitError: The site has limited the reading of conversations. ``scope`` is ``"conversations"``.
        """
        from .._protocol.history import read_history  # most programs read no past conversation

        return read_history(
            conversation_id,
            await self._sender.backend.read_past(conversation_path(conversation_id)),
            self._files.bind,
        )

    async def rename_conversation(self, conversation_id: str, title: str) -> None:
        """Change a conversation's title."""
        await self._sender.backend.request_json("PATCH", conversation_path(conversation_id), {"title": title})

    async def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation from the account's list, as the site's Delete button does."""
        await self._sender.backend.request_json(
            "PATCH", conversation_path(conversation_id), {"is_visible": False}
        )

    async def generate_title(self, conversation_id: str, message_id: str | None = None) -> str:
        """Return a title that the site generates from a message of the conversation.

        If ``message_id`` is None, the newest message is used.
        """
        node = message_id or await self._sender.conversations.find_current_node(conversation_id)
        body = {"message_id": node, "model": self._sender.options.model}
        return read_title(await self._sender.backend.request_json("POST", title_path(conversation_id), body))


class AccountDataMixin:
    """The methods of :class:`ChatGPTAPI` for models and past conversations; see :class:`AsyncChatGPTAPI`."""

    _core: AsyncAccountDataMixin
    _portal: Portal
    _files: SyncFileBinder

    def list_models(self) -> list[Model]:
        """Return the models that the account may use."""
        return self._portal.call(self._core.list_models)

    def list_conversations(self, offset: int = 0, limit: int = 20) -> list[ConversationSummary]:
        """Return at most ``limit`` conversations of the account, newest first. The first ``offset`` conversations are skipped."""
        return self._portal.call(self._core.list_conversations, offset, limit)

    def iter_conversations(self, page_size: int = 20) -> Iterator[ConversationSummary]:
        """Yield all conversations of the account; see :meth:`AsyncChatGPTAPI.iter_conversations`."""
        conversations = self._core.iter_conversations(page_size)
        while (found := self._portal.call(anext, conversations, None)) is not None:
            yield found

    def get_history(self, conversation_id: str) -> History[ReplyFile]:
        """Return a past conversation with its messages; see :meth:`AsyncChatGPTAPI.get_history`."""
        history = self._portal.call(self._core.get_history, conversation_id)
        return bind_history(history, self._files.bind)

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        """Change a conversation's title."""
        self._portal.call(self._core.rename_conversation, conversation_id, title)

    def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation from the account's list, as the site's Delete button does."""
        self._portal.call(self._core.delete_conversation, conversation_id)

    def generate_title(self, conversation_id: str, message_id: str | None = None) -> str:
        """Return a title that the site generates from a message. If ``message_id`` is None, the newest message is used."""
        return self._portal.call(self._core.generate_title, conversation_id, message_id)
