"""The base class of both clients. It checks the session token and the options."""

from __future__ import annotations

import inspect
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from .._core.errors import InvalidSessionTokenError
from .._core.files import read_small_file
from .._core.log import logger
from .._core.options import DEFAULT_MODEL, Milliseconds, Options
from .._core.saved_login import DEFAULT_PROFILE, SavedLogin
from .._protocol.cookies import INVALID_TOKEN, NO_SESSION_TOKEN, SessionToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

    from typing_extensions import Self, Unpack

    from .._core.choices import BrowserContextKind, SendVia
    from .client_options import ClientOptions, OptionsWithoutContext, SessionTokenSource

#: The maximum size of a cookie file in bytes. The exported cookies of a whole browser take a few hundred kilobytes.
MAX_COOKIE_FILE = 16 << 20


class BaseClient:
    """The base class of both clients. Its constructor checks the session token and the options, and does not start a browser."""

    @overload
    def __init__(self, session_token: SessionTokenSource, **options: Unpack[ClientOptions]) -> None: ...
    @overload
    def __init__(
        self,
        session_token: SessionTokenSource | None,
        *,
        browser_context: Literal["default"],
        **options: Unpack[OptionsWithoutContext],
    ) -> None: ...
    def __init__(
        self,
        session_token: SessionTokenSource | None,
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
        send_via: SendVia = "auto",
        browser_context: BrowserContextKind = "own",
        recover: bool = True,
        job_store: str | PathLike[str] | None = None,
        min_interval: Milliseconds = 0,
        messages_per_hour: int | None = None,
    ) -> None:
        """Check the options. The browser starts at the first call that needs it.

        A time is a number of milliseconds or a timedelta. For a timeout, None or 0 means no limit.

        :param session_token: One of these values:

            * the session cookie's value, or a sequence of the parts of this value;
            * cookies as a dict, a list, a header line, JSON or the text of a ``cookies.txt``;
            * Playwright's ``storage_state``;
            * the :class:`~pathlib.Path` of a file that contains one of the values above;
            * with ``browser_context="default"``: None, because the session of the browser is used. Any other value is ignored.
        :param markdown: If False, replies are converted to plain text. A link is replaced by its text.
        :param api_base_url: The base URL of ``/auth/session``.
        :param backend_api_base_url: The base URL of ``/conversation``, on the same origin as ``api_base_url``.
        :param user_agent: The user agent to send. None: the user agent of the running Chromium, without the word Headless.
        :param access_token_ttl: The time for which an access token is cached.
        :param model: The model that replies.
        :param retries: The maximum number of times that a failed request is repeated. Only requests that are safe to repeat are
            repeated. 0 switches retries off.
        :param first_byte_timeout: The longest wait for the first byte of a response.
        :param idle_timeout: The longest time without new data within a response.
        :param max_concurrent_messages: The maximum number of messages in flight. Other messages wait in a queue, in order.
        :param headless: If False, the browser opens a window.
        :param executable_path: The Chromium executable to start.
        :param channel: Playwright's name of an installed browser, such as ``chrome``.
        :param browser_args: Additional command-line arguments for Chromium.
        :param proxy: A proxy's URL, or Playwright's mapping with ``server``, ``username`` and so on.
        :param user_data_dir: A profile folder to keep between runs. It is created if it does not exist.
        :param browser_url: A remote browser: ``ws(s)://`` for a Playwright server; ``http(s)://`` or ``ws(s)://…/devtools/…``
            for the DevTools protocol. If several URLs are given, the client uses the reachable browser that has the fewest
            clients of this process. ``"chrome"`` or ``"msedge"``: the browser that you use on this machine, with remote debugging
            switched on.
        :param ignore_https_errors: If True, accept certificates that Chromium does not trust.
        :param launch_timeout: The longest wait for the browser to start.
        :param challenge_timeout: The longest wait for a challenge to pass without a person.
        :param send_via: ``"fetch"`` sends messages with a fetch request. ``"page"`` types messages into the site's own page.
            ``"auto"`` starts with fetch. When the site responds that it accepts messages only from its own page, ``"auto"``
            changes to the page. This response is stored for the site's origin: in this process, and for seven days in the data
            folder.
        :param browser_context: ``"own"``: the client creates a context with separate cookies. ``"default"``: the client uses the
            default context of the browser at ``browser_url``, in which you are signed in. In this context, the client sets and
            reads no cookies, and opens and closes only its own pages.
        :param recover: If True, and a stream breaks off, the client reads the rest of the answer from the conversation. The call
            fails only if the answer cannot be read there. The message is not sent again. Jobs and
            :meth:`AsyncChatGPTAPI.send_many` always read the rest in this way.
        :param job_store: The path of the job store, a SQLite file. None: ``jobs.sqlite3`` in the data folder. Only jobs,
            :meth:`AsyncChatGPTAPI.send_many`, ``min_interval`` and ``messages_per_hour`` use the job store. Several processes
            may use one file.
        :param min_interval: The shortest time between two messages of the account. A call waits until this time has passed.
        :param messages_per_hour: The maximum number of messages of the account within one hour. A call that would exceed the
            limit raises a :class:`RateLimitError` with the scope ``"local"``, and sends nothing.
            :meth:`AsyncChatGPTAPI.send_many` waits instead. None: the limit in ``CHATGPT_MESSAGES_PER_HOUR``, or no limit.
        :raises InvalidSessionTokenError: The session token is empty or cannot be a session token.
        :raises ValueError: An option is invalid. The message names the option.
        """
        given = {name: value for name, value in locals().items() if name not in ("self", "session_token")}
        token = _choose_token(session_token, api_base_url, browser_context)
        del session_token  # A traceback that shows local variables must not show the token.
        if isinstance(token, InvalidSessionTokenError):
            raise token
        self._session_token = token
        self._options = Options.checked(**given)
        self._initialise()

    @classmethod
    def from_login(cls, profile: str = DEFAULT_PROFILE, **options: Unpack[ClientOptions]) -> Self:
        """Return a client with the session and the browser profile that ``chatgpt-browser login`` saved.

        Use the profile in one browser at a time. If the site rotates the session token, the new token is saved.

        :param profile: The name of the login: the argument of ``chatgpt-browser login --profile``.
        :param options: The options of the constructor, except ``session_token``, ``user_data_dir`` and ``browser_url``.
        :raises InvalidSessionTokenError: No session is saved for this site.
        :raises ValueError: An option is invalid. The message names the option.
        """
        for name in ("user_data_dir", "browser_url"):
            if options.get(name) is not None:
                raise ValueError(
                    f"{name} cannot be combined with from_login(), which uses the profile of the login"
                )
        login = SavedLogin.named(profile)
        origin = default_options(**options).site.origin
        token = login.load_session_token(origin)
        if token is None:
            name = "" if profile == DEFAULT_PROFILE else f" --profile {profile}"
            other = login.session_origin()
            saved = "" if other is None else f"; the saved session is for {other}"
            raise InvalidSessionTokenError(
                f"ChatGPT invalid session token. No session for {origin} is saved in {login.folder}{saved}. "
                f"Run `chatgpt-browser login{name}`."
            )
        given: dict[str, Any] = {**options, "user_data_dir": login.profile}
        client = cls(token, **given)
        client._save_tokens(login)
        return client

    def _save_tokens(self, login: SavedLogin) -> None:
        """Register a callback that saves each new session token in the folder of a login."""
        origin = self._options.site.origin

        def save(token: str) -> None:
            try:
                login.save_session_token(origin, token)
            except OSError as exc:
                logger.warning("the new session token could not be saved: %s", exc.strerror)

        self._on_new_token(save)

    def _initialise(self) -> None:
        raise NotImplementedError

    def _on_new_token(self, callback: Callable[[str], object]) -> None:
        """Set the function that is called with each new session token, after the site has rotated the token."""
        raise NotImplementedError

    def __repr__(self) -> str:
        # A traceback may show the repr of a client whose constructor has failed. Such a client has no options.
        options: Options | None = getattr(self, "_options", None)
        return f"<{type(self).__name__} {options.site.origin if options is not None else 'without options'}>"


def _choose_token(
    given: object, api_base_url: str, browser_context: str
) -> SessionToken | InvalidSessionTokenError:
    """Return the session token, or an error that the caller must raise.

    With ``browser_context="default"``, the token is empty, because the browser's session is used.
    """
    if browser_context != "default":
        return read_session_token(given, api_base_url)
    if given is not None:
        logger.warning('session_token is ignored: browser_context="default" uses the session of the browser')
    return NO_SESSION_TOKEN


def read_session_token(given: object, api_base_url: str) -> SessionToken | InvalidSessionTokenError:
    """Return the session token, or an error that the caller must raise.

    The error is not raised here, because its traceback would contain a frame with the secret ``given``. Only a path object is
    read as a file. A str is never a path: a service may pass a text from its users, and these users must not choose a file on
    the server.
    """
    if isinstance(given, PathLike):
        try:
            given = read_small_file(Path(given), MAX_COOKIE_FILE)
        except (OSError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or str(exc)
            return InvalidSessionTokenError(
                f"ChatGPT invalid session token. The file cannot be read: {reason}."
            )
    elif not given or (isinstance(given, str) and not given.strip()):
        return InvalidSessionTokenError()
    token = SessionToken.parse(given, api_base_url)
    return InvalidSessionTokenError(INVALID_TOKEN) if token is None else token


def default_options(**changes: Any) -> Options:
    """Return the options that a client has if it is created with these arguments of the constructor.

    :raises ValueError: An option is invalid. The message names the option.
    """
    parameters = inspect.signature(BaseClient).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return Options.checked(**defaults | changes)
