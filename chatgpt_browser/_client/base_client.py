"""The base of both clients: a session token and checked options."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .._core.errors import InvalidSessionTokenError
from .._core.options import DEFAULT_MODEL, Milliseconds, Options, SendVia
from .._protocol.cookies import SessionToken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

__all__ = ["BaseClient", "default_options"]


class BaseClient:
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
    parameters = inspect.signature(BaseClient).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return Options.checked(**defaults | changes)
