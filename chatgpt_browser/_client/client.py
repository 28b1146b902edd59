"""The asynchronous client. It has the methods of the npm API's class ``ChatGPTAPI``, as coroutine functions."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

from .._core.errors import APIConnectionError, AuthenticationError, ChallengeError, OriginError
from .._core.message_options import MessageOptions
from .._core.models import Prompt, Session
from .._core.options import Milliseconds, Options, to_limit
from .._core.public import public_type
from .._messaging.deadline import Deadline
from .._messaging.lease import ConversationSlot, StandaloneSlot
from .._messaging.reply_stream import AsyncReplyStream
from .._messaging.sender import MessageSender, preload
from .._transport.browser_manager import BrowserManager
from .account_data import AsyncAccountDataMixin
from .base_client import BaseClient
from .callbacks import OnConversationResponse, OnProgress, notify
from .conversation import ConversationPosition, NextSlot
from .file_binding import FileBinder
from .jobs import AsyncJob, AsyncJobsMixin
from .send_many import AsyncSendManyMixin

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from .._core.abort import AbortSignal
    from .._core.message_options import MessageArguments
    from .._core.reply import Reply
    from .._protocol.cookies import SessionToken
    from .reply_file import AsyncReplyFile


#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True


@public_type
class AsyncChatGPTAPI(BaseClient, AsyncAccountDataMixin, AsyncSendManyMixin, AsyncJobsMixin):
    """An asynchronous client of ChatGPT's web application, through a real browser.

    The client is an async context manager. If you do not use ``async with``, call :meth:`close` at the end.
    """

    def _initialise(self) -> None:
        self._browser_manager = BrowserManager(self._options, self._session_token, preload)
        self._sender = MessageSender(self._options, self._browser_manager)
        self._files = FileBinder(self._sender)

    def _on_new_token(self, callback: Callable[[str], object]) -> None:
        self._browser_manager.on_new_token = callback

    @classmethod
    def _from_options(cls, options: Options, session_token: SessionToken) -> AsyncChatGPTAPI:
        """Return a client with options that are already checked. The synchronous client creates its inner client in this way."""
        self = cls.__new__(cls)
        self._options, self._session_token = options, session_token
        self._initialise()
        return self

    async def __aenter__(self) -> AsyncChatGPTAPI:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # ---- life cycle --------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the browser and open the site. Without this call, the first message starts the browser and opens the site.

        :raises BrowserError: No browser was found, or the browser did not start.
        :raises ChallengeError: The site requires a person to pass a check.
        """
        self._sender.check_open()
        await self._browser_manager.page()

    async def close(self) -> None:
        """Abort running requests and close the browser. A second call, or a call in a forked process, has no effect."""
        if self._sender.process.is_forked:
            return
        if self._job_runner is not None:
            self._job_runner.begin_close()
        await self._sender.close()
        await self._browser_manager.close()
        if self._job_runner is not None:
            await self._job_runner.close()

    # ---- the session -------------------------------------------------------------------------------------------------

    async def refresh_access_token(self) -> str:
        """Return an access token (npm: ``refreshAccessToken``).

        If the cached token is older than ``access_token_ttl``, request a new token first.

        :raises SessionExpiredError: The session has ended. Sign in again.
        :raises AuthenticationError: The site returned no access token for another reason.
        :raises APIConnectionError: The site could not be reached.
        :raises ChallengeError: The site requires a person to pass a check.
        :raises BrowserError: The browser was not found, did not start or crashed.
        """
        return (await self._sender.tokens.get()).access_token

    async def ensure_auth(self) -> str:
        """Return an access token, like :meth:`refresh_access_token` (npm: ``ensureAuth``)."""
        return await self.refresh_access_token()

    async def get_is_authenticated(self) -> bool:
        """Return whether the site returns an access token for this session (npm: ``getIsAuthenticated``).

        The result is False if the session has expired, if the site could not be reached, or if a person must pass a check.

        :raises BrowserError: The browser was not found, did not start or crashed. The state of the session is unknown.
        """
        try:
            await self.refresh_access_token()
        except (AuthenticationError, APIConnectionError, ChallengeError, OriginError):
            return False
        return True

    async def get_session(self) -> Session:
        """Return the session, with its user and its expiry date.

        :raises AuthenticationError: The session has ended, or the site returned no session.
        """
        return await self._sender.tokens.get()

    @property
    def session_token(self) -> str:
        """The current session token, which the site may have renewed. Treat this token like a password.

        With ``browser_context="default"``, the value is an empty string, because the client does not read the browser's cookies.
        """
        return self._browser_manager.session_token.value

    # ---- messages ----------------------------------------------------------------------------------------------------

    @property
    def model(self) -> str:
        """The model that replies. If you set this property, the next message is sent to the new model."""
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
        **options: Unpack[MessageArguments],
    ) -> str:
        """Send a message and return the whole reply (npm: ``sendMessage``).

        :param conversation_id: The id of the conversation to continue. If it is None, a new conversation is started.
        :param parent_message_id: The id of the message to reply to. If it is None, the message is a reply to the conversation's
            newest message.
        :param timeout_ms: The time limit for the whole call, including the wait in the queue.
        :param on_progress: A function that is called for every event that changes the reply. Its argument is the whole text so
            far.
        :param on_conversation_response: A function that is called for every event. Its argument is the event as the site sent it.
        :param abort_signal: A signal that aborts the call; see :class:`AbortController`.
        :param options: The options of the message: ``files``, ``model``, ``effort``, ``tools``, ``temporary`` and ``project``.
        :raises ValueError: An option is invalid, or the option cannot be applied with ``send_via="fetch"``.
        :raises ChatGPTTimeoutError: ``timeout_ms``, ``first_byte_timeout`` or ``idle_timeout`` was exceeded.
        :raises AuthenticationError: The site returned no access token.
        :raises APIConnectionError: The site could not be reached.
        :raises APIStatusError: The site refused the message; subclasses such as :class:`RateLimitError` give the reason.
        :raises StreamError: The reply ended with an error. ``partial_text`` is the text that was received before the error.
        :raises ChallengeError: The site requires a person to pass a check.
        :raises BrowserError: The browser was not found, did not start or crashed.
        :raises PageError: The site's own page had to send the message, but did not send it or could not apply an option.
        :raises ClientClosedError: The client has been closed.
        """
        prompt = Prompt(message, conversation_id, parent_message_id, self._check(options))
        stream = self._stream(
            StandaloneSlot(prompt), timeout_ms, abort_signal, on_conversation_response is not None
        )
        return await self._follow(stream, on_progress, on_conversation_response)

    async def ask(
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
    ) -> Reply[AsyncReplyFile]:
        """Send a message and return the whole reply, with its citations, files, thoughts and tool calls.

        This method also waits for images that the site makes after the end of the stream. :meth:`send_message` describes the
        parameters and the errors.
        """
        prompt = Prompt(message, conversation_id, parent_message_id, self._check(options))
        stream = self._stream(
            StandaloneSlot(prompt), timeout_ms, abort_signal, on_conversation_response is not None
        )
        stream._expect_images()
        await self._follow(stream, on_progress, on_conversation_response)
        return await stream._complete_reply()

    def stream_message(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        timeout_ms: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> AsyncReplyStream[AsyncReplyFile]:
        """Return a stream of the reply. The stream is an async iterator over the new text, and an async context manager.

        The message is sent when the ``async with`` block of the stream is entered. Without ``async with``, the message is sent
        when the stream is read for the first time. The stream raises the same errors as :meth:`send_message`.
        """
        prompt = Prompt(message, conversation_id, parent_message_id, self._check(options))
        return self._stream(StandaloneSlot(prompt), timeout_ms, abort_signal)

    def get_conversation(
        self, *, conversation_id: str | None = None, parent_message_id: str | None = None
    ) -> AsyncChatGPTConversation:
        """Return a conversation for several messages (npm: ``getConversation``). This method sends no request."""
        return AsyncChatGPTConversation(
            self, conversation_id=conversation_id, parent_message_id=parent_message_id
        )

    def _check(self, options: MessageArguments) -> MessageOptions:
        """Check the options of a message, and return them; see :meth:`MessageOptions.checked`."""
        return MessageOptions.checked(options, self._options.send_via)

    def _stream(
        self,
        slot: ConversationSlot,
        timeout_ms: Milliseconds | None,
        abort_signal: AbortSignal | None,
        want_events: bool = False,
    ) -> AsyncReplyStream[AsyncReplyFile]:
        deadline = Deadline(to_limit("timeout_ms", timeout_ms), abort_signal)
        return AsyncReplyStream(
            self._sender, slot, deadline, want_events=want_events, bind_file=self._files.bind
        )

    async def _follow(
        self,
        stream: AsyncReplyStream[AsyncReplyFile],
        on_progress: OnProgress | None,
        on_conversation_response: OnConversationResponse | None,
    ) -> str:
        async with stream:
            while (updates := await stream._next_updates()) is not None:
                for update in updates:
                    stream._check()
                    for result in notify(update, on_progress, on_conversation_response):
                        # Most callbacks return None. A comparison with None takes less time than `isawaitable`.
                        if result is not None and inspect.isawaitable(result):
                            await result
        return stream.text


@public_type
class AsyncChatGPTConversation(ConversationPosition):
    """A conversation whose messages are sent one after another, in the order of the calls (npm: ``ChatGPTConversation``).

    ``conversation_id`` and ``parent_message_id`` change only when a reply is complete. Therefore, after an error, the message can
    be sent again at the same position. To continue the conversation after a message of your choice, set both attributes.
    """

    def __init__(
        self,
        api: AsyncChatGPTAPI,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
    ) -> None:
        super().__init__(conversation_id, parent_message_id)
        self.api = api

    async def send_message(
        self,
        message: str,
        *,
        timeout_ms: Milliseconds | None = None,
        on_progress: OnProgress | None = None,
        on_conversation_response: OnConversationResponse | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> str:
        """Send the next message and return the whole reply; see :meth:`AsyncChatGPTAPI.send_message`."""
        slot = NextSlot(self, message, self.api._check(options))
        stream = self.api._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        return await self.api._follow(stream, on_progress, on_conversation_response)

    async def ask(
        self,
        message: str,
        *,
        timeout_ms: Milliseconds | None = None,
        on_progress: OnProgress | None = None,
        on_conversation_response: OnConversationResponse | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> Reply[AsyncReplyFile]:
        """Send the next message and return the whole reply, with all its parts; see :meth:`AsyncChatGPTAPI.ask`."""
        slot = NextSlot(self, message, self.api._check(options))
        stream = self.api._stream(slot, timeout_ms, abort_signal, on_conversation_response is not None)
        stream._expect_images()
        await self.api._follow(stream, on_progress, on_conversation_response)
        return await stream._complete_reply()

    def stream_message(
        self,
        message: str,
        *,
        timeout_ms: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Unpack[MessageArguments],
    ) -> AsyncReplyStream[AsyncReplyFile]:
        """Return a stream of the reply to the next message; see :meth:`AsyncChatGPTAPI.stream_message`.

        The next message of this conversation is sent only after this stream was read to its end or was closed.
        """
        return self.api._stream(NextSlot(self, message, self.api._check(options)), timeout_ms, abort_signal)

    async def submit(
        self, message: str, *, keep_text: bool = False, **options: Unpack[MessageArguments]
    ) -> AsyncJob:
        """Send the next message as a job; see :meth:`AsyncChatGPTAPI.submit`.

        A later message of this conversation is sent only after the reply is complete.
        """
        prompt = Prompt(message, self.conversation_id, self.parent_message_id, self.api._check(options))
        slot = NextSlot(self, message, prompt.options)
        return AsyncJob(self.api, await self.api._jobs.submit(prompt, slot, keep_text=keep_text))
