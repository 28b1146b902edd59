"""The synchronous face: the same names and signatures as the async one, over a thread of its own. No logic here."""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from .._core.errors import ClientClosedError
from .._core.models import Prompt
from .._messaging.lease import StandaloneSlot
from .base_client import BaseClient
from .callbacks import check_synchronous, notify
from .client import AsyncChatGPTAPI
from .portal import Portal
from .sync_account_data import Library
from .sync_send_many import Many

if TYPE_CHECKING:
    from types import TracebackType

    from .._core.abort import AbortSignal
    from .._core.models import ConversationEvent, Session
    from .._core.options import Milliseconds
    from .._messaging.reply_stream import AsyncReplyStream
    from .callbacks import OnConversationResponse, OnProgress
    from .conversation import AsyncChatGPTConversation

__all__ = ["ChatGPTAPI", "ChatGPTConversation", "ReplyStream"]


class ReplyStream:
    """The new text of a reply, piece by piece: an iterator, and a context manager that ends the request."""

    def __init__(self, api: ChatGPTAPI, stream: AsyncReplyStream) -> None:
        self._api = api  # kept: a client that nobody holds any more is closed
        self._portal = api._portal
        self._stream = stream

    def __repr__(self) -> str:
        return repr(self._stream).replace("AsyncReplyStream", "ReplyStream")

    @property
    def text(self) -> str:
        """The whole text so far."""
        return self._stream.text

    @property
    def conversation_id(self) -> str | None:
        """The conversation's id, once the site has named it."""
        return self._stream.conversation_id

    @property
    def message_id(self) -> str | None:
        """The reply's own id, which the next message names as its parent."""
        return self._stream.message_id

    @property
    def event(self) -> ConversationEvent | None:
        """The newest event, as the site sent it."""
        return self._stream.event

    def __enter__(self) -> ReplyStream:
        self._portal.call(self._stream.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> ReplyStream:
        return self

    def __next__(self) -> str:
        """The text that is new since the last piece."""
        piece: str | None = self._portal.call(anext, self._stream, None)
        if piece is None:
            raise StopIteration
        return piece

    def close(self) -> None:
        """End the request, if it is still under way."""
        with suppress(ClientClosedError):  # a client that is closed has ended it
            self._portal.call(self._stream.close)


class ChatGPTConversation:
    """Sends messages as one conversation; see :class:`AsyncChatGPTConversation`."""

    def __init__(
        self, api: ChatGPTAPI, *, conversation_id: str | None = None, parent_message_id: str | None = None
    ) -> None:
        self.api = api
        self._core: AsyncChatGPTConversation = api._core.get_conversation(
            conversation_id=conversation_id, parent_message_id=parent_message_id
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.conversation_id or 'new'}>"

    @property
    def conversation_id(self) -> str | None:
        """The conversation's id; None before its first reply."""
        return self._core.conversation_id

    @conversation_id.setter
    def conversation_id(self, value: str | None) -> None:
        self._core.conversation_id = value

    @property
    def parent_message_id(self) -> str | None:
        """The id of the newest reply."""
        return self._core.parent_message_id

    @parent_message_id.setter
    def parent_message_id(self, value: str | None) -> None:
        self._core.parent_message_id = value

    def send_message(
        self,
        message: str,
        *,
        timeout_ms: Milliseconds | None = None,
        on_progress: OnProgress | None = None,
        on_conversation_response: OnConversationResponse | None = None,
        abort_signal: AbortSignal | None = None,
    ) -> str:
        """Send the next message and give its whole reply; see :meth:`ChatGPTAPI.send_message`."""
        slot = self._core._next_slot(message)
        stream = self.api._core._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        return self.api._follow(stream, on_progress, on_conversation_response)

    def stream_message(
        self, message: str, *, timeout_ms: Milliseconds | None = None, abort_signal: AbortSignal | None = None
    ) -> ReplyStream:
        """Send the next message and give its reply as it comes; see :meth:`ChatGPTAPI.stream_message`."""
        stream = self._core.stream_message(message, timeout_ms=timeout_ms, abort_signal=abort_signal)
        return ReplyStream(self.api, stream)


class ChatGPTAPI(BaseClient, Library, Many):
    """A client of ChatGPT's web application, through a real browser: the synchronous face of :class:`AsyncChatGPTAPI`.

    Works in a plain script, from several threads at once, and inside a running event loop. A context manager; without
    ``with``, call :meth:`close` in the end. Callbacks are called in the thread that waits for the reply.
    """

    def _set_up(self) -> None:
        self._core = AsyncChatGPTAPI._from_options(self._options, self._session_token)
        self._portal = Portal()
        # Whoever forgets close() still leaves no browser behind: at the latest when the interpreter ends.
        self._finalizer = weakref.finalize(self, self._portal.close, self._core.close)

    def __enter__(self) -> ChatGPTAPI:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the browser now; see :meth:`AsyncChatGPTAPI.start`."""
        self._portal.call(self._core.start)

    def close(self) -> None:
        """End what is under way, close the browser and end the thread. May be called twice."""
        self._portal.close(self._core.close)
        self._finalizer.detach()

    def refresh_access_token(self) -> str:
        """An access token; see :meth:`AsyncChatGPTAPI.refresh_access_token`."""
        return self._portal.call(self._core.refresh_access_token)

    def ensure_auth(self) -> str:
        """An access token; see :meth:`AsyncChatGPTAPI.ensure_auth`."""
        return self._portal.call(self._core.ensure_auth)

    def get_is_authenticated(self) -> bool:
        """Whether an access token can be had; see :meth:`AsyncChatGPTAPI.get_is_authenticated`."""
        return self._portal.call(self._core.get_is_authenticated)

    def get_session(self) -> Session:
        """Whose session it is, and until when; see :meth:`AsyncChatGPTAPI.get_session`."""
        return self._portal.call(self._core.get_session)

    @property
    def session_token(self) -> str:
        """The session token as it stands now; see :attr:`AsyncChatGPTAPI.session_token`."""
        return self._core.session_token

    @property
    def model(self) -> str:
        """The model that answers, which may be set; see :attr:`AsyncChatGPTAPI.model`."""
        return self._core.model

    @model.setter
    def model(self, model: str) -> None:
        self._core.model = model

    def send_message(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        timeout_ms: Milliseconds | None = None,
        on_progress: OnProgress | None = None,
        on_conversation_response: OnConversationResponse | None = None,
        abort_signal: AbortSignal | None = None,
    ) -> str:
        """Send a message and give the whole reply; see :meth:`AsyncChatGPTAPI.send_message`."""
        slot = StandaloneSlot(Prompt(message, conversation_id, parent_message_id))
        stream = self._core._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        return self._follow(stream, on_progress, on_conversation_response)

    def stream_message(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        timeout_ms: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
    ) -> ReplyStream:
        """Send a message and give its reply as it comes; see :meth:`AsyncChatGPTAPI.stream_message`."""
        stream = self._core.stream_message(
            message,
            conversation_id=conversation_id,
            parent_message_id=parent_message_id,
            timeout_ms=timeout_ms,
            abort_signal=abort_signal,
        )
        return ReplyStream(self, stream)

    def get_conversation(
        self, *, conversation_id: str | None = None, parent_message_id: str | None = None
    ) -> ChatGPTConversation:
        """A conversation to send several messages in; see :meth:`AsyncChatGPTAPI.get_conversation`."""
        return ChatGPTConversation(self, conversation_id=conversation_id, parent_message_id=parent_message_id)

    def _follow(
        self,
        stream: AsyncReplyStream,
        on_progress: OnProgress | None,
        on_conversation_response: OnConversationResponse | None,
    ) -> str:
        check_synchronous(on_progress=on_progress, on_conversation_response=on_conversation_response)
        with ReplyStream(self, stream) as replies:
            while (updates := self._portal.call(stream._next_updates)) is not None:
                for update in updates:
                    stream._check()
                    notify(update, on_progress, on_conversation_response)
        return replies.text
