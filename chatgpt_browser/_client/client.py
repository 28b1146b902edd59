"""The client: the document's ``ChatGPTAPI``, as an async class."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.errors import (
    AuthenticationError,
    ChallengeError,
    InvalidSessionTokenError,
    OriginError,
)
from .._core.models import Prompt, Session
from .._core.options import DEFAULT_MODEL, Milliseconds, Options, SendVia, to_limit
from .._messaging.deadline import Watch
from .._messaging.reply_stream import AsyncReplyStream, Place
from .._messaging.sender import Courier
from .._protocol.cookies import SessionToken
from .._transport.browser_manager import Engine
from .account_data import AsyncLibrary
from .callbacks import OnConversationResponse, OnProgress, notify, settled
from .conversation import AsyncChatGPTConversation, Somewhere
from .send_many import AsyncMany

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from types import TracebackType

    from .._core.abort import AbortSignal

__all__ = ["AsyncChatGPTAPI", "Configured", "default_options"]


class Configured:
    """What both faces are made of: a session token and options, checked; nothing is started."""

    def __init__(
        self,
        session_token: str | Sequence[str] | Mapping[str, str],
        *,
        markdown: bool = True,
        api_base_url: str = "https://chat.openai.com/api",
        backend_api_base_url: str = "https://chat.openai.com/backend-api",
        user_agent: str | None = None,
        access_token_ttl: Milliseconds = 60_000,
        model: str = DEFAULT_MODEL,
        retries: int = 2,
        first_byte_timeout: Milliseconds | None = 60_000,
        idle_timeout: Milliseconds | None = 120_000,
        max_concurrent_messages: int = 1,
        headless: bool = True,
        executable_path: str | PathLike[str] | None = None,
        channel: str | None = None,
        browser_args: Sequence[str] = (),
        proxy: str | Mapping[str, str] | None = None,
        user_data_dir: str | PathLike[str] | None = None,
        browser_url: str | Sequence[str] | None = None,
        ignore_https_errors: bool = False,
        launch_timeout: Milliseconds | None = 60_000,
        challenge_timeout: Milliseconds | None = 60_000,
        send_via: SendVia = "fetch",
    ) -> None:
        """Check the options; the browser starts at the first call that needs it.

        Times are milliseconds or timedeltas; for a timeout, None or 0 is no limit.

        :param session_token: the cookie's value; its parts in order; a dict of cookies; or a ``Cookie:`` header.
        :param markdown: False gives replies as plain text.
        :param api_base_url: where ``/auth/session`` is.
        :param backend_api_base_url: where ``/conversation`` is, on the same origin.
        :param user_agent: None is the running Chromium's own, without the word Headless.
        :param access_token_ttl: for how long an access token is kept.
        :param model: the model that answers.
        :param retries: how often what is safe to send again is sent again.
        :param first_byte_timeout: how long the site may take to begin an answer.
        :param idle_timeout: how long it may fall silent in the middle of one.
        :param max_concurrent_messages: more wait their turn, in order.
        :param headless: False opens a window.
        :param executable_path: the Chromium to start.
        :param channel: Playwright's name of an installed browser, such as ``chrome``.
        :param browser_args: further arguments for Chromium.
        :param proxy: a proxy's URL, or Playwright's mapping.
        :param user_data_dir: a profile folder to keep between runs.
        :param browser_url: a browser elsewhere: ``ws(s)://`` (Playwright's server), ``http(s)://`` or ``ws(s)://…/devtools/…``
            (DevTools protocol); several: the one with the fewest of this process's clients that answers.
        :param ignore_https_errors: take certificates that nobody vouches for.
        :param launch_timeout: how long the browser may take to start.
        :param challenge_timeout: how long a challenge may take to pass by itself.
        :param send_via: ``"fetch"`` sends a message by a request of ours, ``"page"`` by the site's own page, as a person does;
            ``"auto"`` tries the first and, where the site takes messages from its page alone, goes over to the second.
        :raises InvalidSessionTokenError: the session token can't be one.
        :raises ValueError: an option makes no sense; the message names it.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "session_token")}
        token = SessionToken.parse(session_token)
        del session_token  # from here on a traceback with locals shows no secret
        if token is None:
            raise InvalidSessionTokenError
        self._session_token = token
        self._options = Options.checked(**given)
        self._set_up()

    def _set_up(self) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        options: Options | None = getattr(
            self, "_options", None
        )  # a traceback may show one that is not made yet
        return f"<{type(self).__name__} {options.site.origin if options is not None else 'without options'}>"


def default_options(**changes: Any) -> Options:
    """The options of a client that was given these ones alone.

    :raises ValueError: one of them makes no sense.
    """
    parameters = inspect.signature(Configured).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return Options.checked(**defaults | changes)


class AsyncChatGPTAPI(Configured, AsyncLibrary, AsyncMany):
    """A client of ChatGPT's web application, through a real browser.

    An async context manager; without ``async with``, call :meth:`close` in the end.
    """

    def _set_up(self) -> None:
        self._engine = Engine(self._options, self._session_token)
        self._courier = Courier(self._options, self._engine)

    @classmethod
    def _made_of(cls, options: Options, session_token: SessionToken) -> AsyncChatGPTAPI:
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
        self._courier.check_open()
        await self._engine.page()

    async def close(self) -> None:
        """End what is under way and close the browser. May be called twice."""
        await self._courier.close()
        await self._engine.close()

    # ---- the session -------------------------------------------------------------------------------------------------

    async def refresh_access_token(self) -> str:
        """An access token, at most ``access_token_ttl`` old (the document's ``refreshAccessToken``).

        :raises SessionExpiredError: the session is dead: sign in again.
        :raises AuthenticationError: the site gave no token for another reason.
        :raises ChallengeError: the site wants to see a person.
        :raises BrowserError: something is wrong with the browser.
        """
        return (await self._courier.get_session()).access_token

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
        return await self._courier.get_session()

    @property
    def session_token(self) -> str:
        """The session token as it stands now: the site may have rotated it. It is a password: keep it like one."""
        return self._engine.session_token.value

    # ---- messages ----------------------------------------------------------------------------------------------------

    @property
    def model(self) -> str:
        """The model that answers. It may be set: the next message goes to that one."""
        return self._courier.options.model

    @model.setter
    def model(self, model: str) -> None:
        self._courier.options = replace(self._courier.options, model=model)

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
            Somewhere(prompt), timeout_ms, abort_signal, on_conversation_response is not None
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
        return self._stream(Somewhere(prompt), timeout_ms, abort_signal)

    def get_conversation(
        self, *, conversation_id: str | None = None, parent_message_id: str | None = None
    ) -> AsyncChatGPTConversation:
        """A conversation to send several messages in (the document's ``getConversation``); nothing is sent yet."""
        return AsyncChatGPTConversation(
            self, conversation_id=conversation_id, parent_message_id=parent_message_id
        )

    def _stream(
        self,
        place: Place,
        timeout_ms: Milliseconds | None,
        abort_signal: AbortSignal | None,
        want_events: bool = False,
    ) -> AsyncReplyStream:
        watch = Watch(to_limit("timeout_ms", timeout_ms), abort_signal)
        return AsyncReplyStream(self._courier, place, watch, want_events=want_events)

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
                        await settled(answer)
        return stream.text
