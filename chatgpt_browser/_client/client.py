"""The client: the document's ``ChatGPTAPI``, as an async class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._core.errors import (
    AuthenticationError,
    ChallengeError,
    OriginError,
)
from .._core.models import Prompt, Session
from .._core.options import Milliseconds, Options, to_limit
from .._messaging.deadline import Deadline
from .._messaging.lease import ConversationSlot, StandaloneSlot
from .._messaging.reply_stream import AsyncReplyStream
from .._messaging.sender import MessageSender, preload
from .._transport.browser_manager import BrowserManager
from .account_data import AsyncLibrary
from .base_client import BaseClient
from .callbacks import OnConversationResponse, OnProgress, await_result, notify
from .conversation import AsyncChatGPTConversation
from .send_many import AsyncMany

if TYPE_CHECKING:
    from types import TracebackType

    from .._core.abort import AbortSignal
    from .._protocol.cookies import SessionToken

__all__ = ["AsyncChatGPTAPI"]


class AsyncChatGPTAPI(BaseClient, AsyncLibrary, AsyncMany):
    """A client of ChatGPT's web application, through a real browser.

    An async context manager; without ``async with``, call :meth:`close` in the end.
    """

    def _set_up(self) -> None:
        self._browser_manager = BrowserManager(self._options, self._session_token, preload)
        self._sender = MessageSender(self._options, self._browser_manager)

    @classmethod
    def _from_options(cls, options: Options, session_token: SessionToken) -> AsyncChatGPTAPI:
        """A client of options that have been checked already: the core of the synchronous face."""
        self = cls.__new__(cls)
        self._options, self._session_token = options, session_token
        self._set_up()
        return self

    async def __aenter__(self) -> AsyncChatGPTAPI:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # ---- its life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the browser and open its page on the site now, and not at the first call that needs them.

        :raises BrowserError: there is no browser, or it does not start.
        :raises ChallengeError: the site wants to see a person.
        """
        self._sender.check_open()
        await self._browser_manager.page()

    async def close(self) -> None:
        """End what is under way and close the browser. May be called twice."""
        await self._sender.close()
        await self._browser_manager.close()

    # ---- the session -------------------------------------------------------------------------------------------------

    async def refresh_access_token(self) -> str:
        """An access token, at most ``access_token_ttl`` old (the document's ``refreshAccessToken``).

        :raises SessionExpiredError: the session is dead: sign in again.
        :raises AuthenticationError: the site gave no token for another reason.
        :raises ChallengeError: the site wants to see a person.
        :raises BrowserError: something is wrong with the browser.
        """
        return (await self._sender.tokens.get()).access_token

    async def ensure_auth(self) -> str:
        """The same as :meth:`refresh_access_token` (the document's ``ensureAuth``)."""
        return await self.refresh_access_token()

    async def get_is_authenticated(self) -> bool:
        """Whether an access token can be had (the document's ``getIsAuthenticated``); a dead session is a False.

        :raises BrowserError: something is wrong with the browser, which says nothing about the session.
        """
        try:
            await self.refresh_access_token()
        except (AuthenticationError, ChallengeError, OriginError):
            return False
        return True

    async def get_session(self) -> Session:
        """Whose session it is, and until when it lasts.

        :raises AuthenticationError: it is dead, or the site does not say.
        """
        return await self._sender.tokens.get()

    @property
    def session_token(self) -> str:
        """The session token as it stands now: the site may have rotated it. It is a password: keep it like one."""
        return self._browser_manager.session_token.value

    # ---- messages ----------------------------------------------------------------------------------------------------

    @property
    def model(self) -> str:
        """The model that answers. It may be set: the next message goes to that one."""
        return self._sender.options.model

    @model.setter
    def model(self, model: str) -> None:
        self._sender.options = replace(self._sender.options, model=model)

    async def send_message(
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
        """Send a message and give the whole reply (the document's ``sendMessage``).

        :param conversation_id: the conversation that it belongs to; a new one where it is None.
        :param parent_message_id: the message that it answers; that conversation's newest where it is None.
        :param timeout_ms: how long the call may take, waiting for its turn included.
        :param on_progress: called for every event that changes the reply, with the whole text so far.
        :param on_conversation_response: called for every event, with the event as the site sent it.
        :param abort_signal: ends the call; see :class:`AbortController`.
        :raises ChatGPTTimeoutError: the time is up, or the site has fallen silent.
        :raises AuthenticationError: there is no access token to be had.
        :raises APIStatusError: the site refused the message; :class:`RateLimitError` and others say why.
        :raises StreamError: the reply ended in an error; it holds what had come.
        :raises ChallengeError: the site wants to see a person.
        :raises BrowserError: something is wrong with the browser.
        :raises PageError: with ``send_via="page"``, the site's own page could not be brought to send it.
        :raises ClientClosedError: the client has been closed.
        """
        prompt = Prompt(message, conversation_id, parent_message_id)
        stream = self._stream(
            StandaloneSlot(prompt), timeout_ms, abort_signal, on_conversation_response is not None
        )
        return await self._follow(stream, on_progress, on_conversation_response)

    def stream_message(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        timeout_ms: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
    ) -> AsyncReplyStream:
        """Send a message and give its reply as it comes: an async iterator of the new text, and a context manager.

        The message is sent when the stream is entered or first read; what :meth:`send_message` raises, it raises then.
        """
        prompt = Prompt(message, conversation_id, parent_message_id)
        return self._stream(StandaloneSlot(prompt), timeout_ms, abort_signal)

    def get_conversation(
        self, *, conversation_id: str | None = None, parent_message_id: str | None = None
    ) -> AsyncChatGPTConversation:
        """A conversation to send several messages in (the document's ``getConversation``); nothing is sent yet."""
        return AsyncChatGPTConversation(
            self, conversation_id=conversation_id, parent_message_id=parent_message_id
        )

    def _stream(
        self,
        slot: ConversationSlot,
        timeout_ms: Milliseconds | None,
        abort_signal: AbortSignal | None,
        want_events: bool = False,
    ) -> AsyncReplyStream:
        deadline = Deadline(to_limit("timeout_ms", timeout_ms), abort_signal)
        return AsyncReplyStream(self._sender, slot, deadline, want_events=want_events)

    async def _follow(
        self,
        stream: AsyncReplyStream,
        on_progress: OnProgress | None,
        on_conversation_response: OnConversationResponse | None,
    ) -> str:
        async with stream:
            while (updates := await stream._next_updates()) is not None:
                for update in updates:
                    stream._check()
                    for answer in notify(update, on_progress, on_conversation_response):
                        await await_result(answer)
        return stream.text
