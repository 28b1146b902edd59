"""The context of the checks: the client's options, and the browser and the client that the checks share."""

from __future__ import annotations

import re
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chatgpt_browser import ChatGPTError

from ..client_factory import client_from_environment
from ..environment import browser_options, options_from_environment
from ..settings.settings import Settings
from ..state.data_folder import DataFolder
from .live_attempt import LiveAttempt

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from chatgpt_browser import ChatGPTAPI, User
    from chatgpt_browser._browser.probe import BrowserFacts, Probe, Sighting
    from chatgpt_browser._client.portal import Portal
    from chatgpt_browser._core.choices import SendVia
    from chatgpt_browser._core.options import Options

#: The user's name and e-mail address are each cut to this number of characters.
_MAX_NAME = 500


class CheckContext:
    """A context manager with the data that the checks share. After the block, it closes the browser and the client.

    The arguments are options of the client.

    :raises typer.BadParameter: an option or a base URL is invalid.
    """

    def __init__(self, **options: Any) -> None:
        self._given = options
        self.options: Options = options_from_environment(**browser_options(), **options)
        self.origin: str = self.options.site.origin
        self.data_folder: DataFolder = DataFolder.current()
        given = Settings.current().session_token
        #: True if the session token comes from the environment.
        self.is_from_environment: bool = given is not None
        #: The session token or the path of a file of cookies, or None if there is no token.
        self.token: str | Path | None = (
            self.data_folder.load_session_token(self.origin) if given is None else given
        )
        #: The browser's version and path. None until the browser check has run.
        self.browser: BrowserFacts | None = None
        #: The response of the session endpoint. None until the DNS check has run.
        self.session_visit: Sighting | None = None
        self._portal: Portal | None = None
        self._probe: Probe | None = None
        #: Maps the name of an attempt (usually the name of its transport) to the record of the message that `--live` sent.
        self.attempts: dict[str, LiveAttempt] = {}
        #: Secret values, which are removed from the report.
        self.secrets: list[str] = [self.token] if self.token and isinstance(self.token, str) else []
        #: The words of the user's name and e-mail address.
        self.user_words: list[str] = []
        self._client: ChatGPTAPI | None = None
        self._closers = ExitStack()

    def __repr__(self) -> str:
        return f"<CheckContext {self.origin}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closers.close()

    def start_browser(self) -> BrowserFacts:
        """Start a browser without a session. Return the version and the path of the browser.

        :raises BrowserError: no browser was found, or the browser failed to start.
        """
        from chatgpt_browser._browser.probe import Probe
        from chatgpt_browser._client.portal import Portal

        self._portal = Portal()
        self._closers.callback(self._portal.close, self._close_probe)
        self._probe = self._portal.call(Probe.start, self.options)
        self.browser = self._portal.call(self._probe.facts)
        return self.browser

    def matching_selectors(self) -> list[dict[str, str]]:
        """Return the entries of :mod:`.site_ui.selectors` that match the site's page from which the last message was sent."""
        from chatgpt_browser._transport.site_ui.page_pool import SitePagePool

        if self._client is None:
            return []
        pages = self._client._core._sender.site_pages
        return self._client._portal.call(pages.matches) if isinstance(pages, SitePagePool) else []

    def visit_session_endpoint(self) -> Sighting:
        """Open the session endpoint in the browser that `start_browser` started, without a session. Return the response."""
        assert self._portal is not None and self._probe is not None, "start_browser must be called first"
        self.session_visit = self._portal.call(self._probe.look, self.options.site.session_url)
        return self.session_visit

    def client(self, *, send_via: SendVia = "fetch") -> ChatGPTAPI:
        """Return the client that the checks share, and make it send messages by the given transport.

        The client is configured like the clients of the other commands. If there is no client yet, first close the browser of
        `start_browser`, and then create a client.
        """
        if self._client is None:
            self._closers.close()
            client = client_from_environment(**self._given, send_via=send_via)
            self._client = self._closers.enter_context(client)
        # The start of another browser takes 2 to 5 s. So the client is kept, and only its transport is changed.
        manager = self._client._core._browser_manager
        manager._options = replace(manager._options, send_via=send_via)
        return self._client

    def limit_page_steps(self, seconds: float) -> None:
        """Set the time limit for each step in the client's pages of the site, such as the wait for the message box."""
        from chatgpt_browser._transport.site_ui.page_pool import SitePagePool

        assert self._client is not None, "client must be called first"
        pages = self._client._core._sender.site_pages
        if isinstance(pages, SitePagePool):
            pages.step_timeout = min(seconds, self.options.first_byte_timeout)

    def show_window(self) -> None:
        """Close the browser. The next browser is started with a window."""
        self.close_browser()
        self._given = {**self._given, "headless": False}

    def close_browser(self) -> None:
        """Close the browser or the client that is open."""
        self._closers.close()
        self._client = None

    def remember_user(self, user: User) -> None:
        """Store the words of the user's name and e-mail address in `user_words`, because the report must not contain them."""
        address = (user.email or "")[:_MAX_NAME]
        words = re.split(r"[\s.+_-]+", f"{(user.name or '')[:_MAX_NAME]} {address.partition('@')[0]}")
        self.user_words = [word for word in (address, *words) if len(word) > 2]

    def remember_secrets(self) -> None:
        """Add the client's current tokens to `secrets`. Call this while the session is valid: later, no token can be read."""
        if self._client is None:
            return
        self.secrets.append(self._client.session_token)
        with suppress(ChatGPTError):
            self.secrets.append(self._client.ensure_auth())

    async def _close_probe(self) -> None:
        if self._probe is not None:
            await self._probe.close()
