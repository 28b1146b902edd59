"""The synchronous client. It has the same methods as the async client, and runs the async client in a background thread."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING

from .._core.models import Prompt
from .._core.public import public_type
from .._messaging.lease import StandaloneSlot
from .account_data import AccountDataMixin
from .base_client import BaseClient
from .callbacks import check_synchronous, notify
from .client import AsyncChatGPTAPI
from .conversation import NextSlot
from .file_binding import SyncFileBinder, bind_reply
from .jobs import Job, JobsMixin
from .portal import Portal
from .send_many import SendManyMixin
from .sync_reply_stream import ReplyStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from .._core.abort import AbortSignal
    from .._core.message_options import MessageArguments
    from .._core.models import Session
    from .._core.options import Milliseconds
    from .._core.public import MaybeNone
    from .._core.reply import Reply
    from .._messaging.reply_stream import AsyncReplyStream
    from .callbacks import OnConversationResponse, OnProgress
    from .client import AsyncChatGPTConversation
    from .reply_file import AsyncReplyFile, ReplyFile


#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True


@public_type
class ChatGPTConversation:
    """A conversation whose messages are sent one after another; see :class:`AsyncChatGPTConversation`."""

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
    def conversation_id(self) -> str | MaybeNone:
        """The conversation's id, or None before its first reply. You may set this property."""
        return self._core.conversation_id

    @conversation_id.setter
    def conversation_id(self, value: str | None) -> None:
        self._core.conversation_id = value

    @property
    def parent_message_id(self) -> str | MaybeNone:
        """The message id of the newest reply, or None. You may set this property."""
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
        **options: Unpack[MessageArguments],
    ) -> str:
        """Send the next message and return the whole reply; see :meth:`ChatGPTAPI.send_message`."""
        slot = NextSlot(self._core, message, self.api._core._check(options))
        stream = self.api._core._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        return self.api._follow(stream, on_progress, on_conversation_response)

    def ask(
        self,
        message: str,
        *,
        timeout_ms: Milliseconds | None = None,
        on_progress: OnProgress | None = None,
        on_conversation_response: OnConversationResponse | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> Reply[ReplyFile]:
        """Send the next message and return the whole reply, with all its parts; see :meth:`AsyncChatGPTAPI.ask`."""
        slot = NextSlot(self._core, message, self.api._core._check(options))
        stream = self.api._core._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        return self.api._ask(stream, on_progress, on_conversation_response)

    def stream_message(
        self,
        message: str,
        *,
        timeout_ms: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> ReplyStream[ReplyFile]:
        """Return a stream of the reply to the next message; see :meth:`ChatGPTAPI.stream_message`."""
        stream = self._core.stream_message(
            message, timeout_ms=timeout_ms, abort_signal=abort_signal, **options
        )
        return ReplyStream(self.api, stream)

    def submit(self, message: str, *, keep_text: bool = False, **options: Unpack[MessageArguments]) -> Job:
        """Send the next message as a job; see :meth:`AsyncChatGPTConversation.submit`."""
        submit = functools.partial(self._core.submit, keep_text=keep_text, **options)
        return Job(self.api, self.api._portal.call(submit, message))


@public_type
class ChatGPTAPI(BaseClient, AccountDataMixin, SendManyMixin, JobsMixin):
    """A synchronous client of ChatGPT's web application, through a real browser.

    The client can be used in a plain script, in several threads at once, and inside a running event loop (Jupyter). The client is
    a context manager. If you do not use ``with``, call :meth:`close` at the end. Callbacks run in the thread that waits for the
    reply. :class:`AsyncChatGPTAPI` documents each method.
    """

    _core: AsyncChatGPTAPI

    def _initialise(self) -> None:
        self._core = AsyncChatGPTAPI._from_options(self._options, self._session_token)
        self._portal = Portal()
        self._files = SyncFileBinder(self._portal)
        # If close() is never called, the browser is closed when the client is garbage-collected or the interpreter exits.
        self._finalizer = weakref.finalize(self, self._portal.close, self._core.close)

    def _on_new_token(self, callback: Callable[[str], object]) -> None:
        self._core._on_new_token(callback)

    def __enter__(self) -> ChatGPTAPI:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the browser now; see :meth:`AsyncChatGPTAPI.start`."""
        self._portal.call(self._core.start)

    def close(self) -> None:
        """Abort running requests, close the browser and end the background thread. A second call has no effect."""
        self._portal.close(self._core.close)
        self._finalizer.detach()

    def refresh_access_token(self) -> str:
        """Return an access token; see :meth:`AsyncChatGPTAPI.refresh_access_token`."""
        return self._portal.call(self._core.refresh_access_token)

    def ensure_auth(self) -> str:
        """Return an access token; see :meth:`AsyncChatGPTAPI.ensure_auth`."""
        return self._portal.call(self._core.ensure_auth)

    def get_is_authenticated(self) -> bool:
        """Return whether the site returns an access token; see :meth:`AsyncChatGPTAPI.get_is_authenticated`."""
        return self._portal.call(self._core.get_is_authenticated)

    def get_session(self) -> Session:
        """Return the session, with its user and its expiry date; see :meth:`AsyncChatGPTAPI.get_session`."""
        return self._portal.call(self._core.get_session)

    @property
    def session_token(self) -> str:
        """The current session token, a secret; see :attr:`AsyncChatGPTAPI.session_token`."""
        return self._core.session_token

    @property
    def model(self) -> str:
        """The model that replies to the next messages. You may set this property; see :attr:`AsyncChatGPTAPI.model`."""
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
        **options: Unpack[MessageArguments],
    ) -> str:
        """Send a message and return the whole reply; see :meth:`AsyncChatGPTAPI.send_message`."""
        slot = StandaloneSlot(Prompt(message, conversation_id, parent_message_id, self._core._check(options)))
        stream = self._core._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        return self._follow(stream, on_progress, on_conversation_response)

    def ask(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        timeout_ms: Milliseconds | None = None,
        on_progress: OnProgress | None = None,
        on_conversation_response: OnConversationResponse | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> Reply[ReplyFile]:
        """Send a message and return the whole reply, with all its parts; see :meth:`AsyncChatGPTAPI.ask`."""
        slot = StandaloneSlot(Prompt(message, conversation_id, parent_message_id, self._core._check(options)))
        stream = self._core._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        return self._ask(stream, on_progress, on_conversation_response)

    def stream_message(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        timeout_ms: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> ReplyStream[ReplyFile]:
        """Return a stream of the reply to a message; see :meth:`AsyncChatGPTAPI.stream_message`."""
        stream = self._core.stream_message(
            message,
            conversation_id=conversation_id,
            parent_message_id=parent_message_id,
            timeout_ms=timeout_ms,
            abort_signal=abort_signal,
            **options,
        )
        return ReplyStream(self, stream)

    def get_conversation(
        self, *, conversation_id: str | None = None, parent_message_id: str | None = None
    ) -> ChatGPTConversation:
        """Return a conversation for several messages; see :meth:`AsyncChatGPTAPI.get_conversation`."""
        return ChatGPTConversation(self, conversation_id=conversation_id, parent_message_id=parent_message_id)

    def _follow(
        self,
        stream: AsyncReplyStream[AsyncReplyFile],
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

    def _ask(
        self,
        stream: AsyncReplyStream[AsyncReplyFile],
        on_progress: OnProgress | None,
        on_conversation_response: OnConversationResponse | None,
    ) -> Reply[ReplyFile]:
        stream._expect_images()
        self._follow(stream, on_progress, on_conversation_response)
        return bind_reply(self._portal.call(stream._complete_reply), self._files.bind)
