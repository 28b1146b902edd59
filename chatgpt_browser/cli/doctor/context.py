"""What an examination is about: the settings that every command would use, and what has been opened to look at them."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from chatgpt_browser import ChatGPTError

from ..client import TOKEN, base_urls, client_from_environment
from ..state.data_folder import Store

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from chatgpt_browser import ChatGPTAPI, User
    from chatgpt_browser._browser.probe import BrowserFacts, Probe, Sighting
    from chatgpt_browser._client.portal import Portal
    from chatgpt_browser._core.options import Options

    from .live_record import Attempt


class Patient:
    """A context manager: at its end everything that was opened is closed. The options are the client's.

    :raises ValueError: a base URL makes no sense.
    """

    def __init__(self, **options: Any) -> None:
        from chatgpt_browser._client.base_client import default_options

        self._given = options
        self.options: Options = default_options(**base_urls(), **options)
        self.origin = self.options.site.origin
        self.store = Store.default()
        self.is_from_environment = TOKEN in os.environ
        self.token = os.environ.get(TOKEN) if self.is_from_environment else self.store.load(self.origin)
        #: What the checks leave for those after them.
        self.browser: BrowserFacts | None = None
        self.sighting: Sighting | None = None
        self._portal: Portal | None = None
        self._probe: Probe | None = None
        #: What `--live` has tried, by the way in which a message was sent.
        self.attempts: dict[str, Attempt] = {}
        #: What must not be shown to anybody.
        self.secrets: list[str] = [self.token] if self.token else []
        #: The words of the person's name and address.
        self.person: list[str] = []
        self._client: ChatGPTAPI | None = None
        self._send_via = ""
        self._closers = ExitStack()

    def __repr__(self) -> str:
        return f"<Patient {self.origin}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closers.close()

    def probe(self) -> BrowserFacts:
        """Start a browser without a session, and tell what it is.

        :raises BrowserError: there is none to be had.
        """
        from chatgpt_browser._browser.probe import Probe
        from chatgpt_browser._client.portal import Portal

        self._portal = Portal()
        self._closers.callback(self._portal.close, self._close_probe)
        self._probe = self._portal.call(Probe.start, self.options)
        self.browser = self._portal.call(self._probe.facts)
        return self.browser

    def look(self) -> Sighting:
        """Have that browser go to the session endpoint, as nobody."""
        assert self._portal is not None and self._probe is not None, "the browser comes first"
        self.sighting = self._portal.call(self._probe.look, self.options.site.session_url)
        return self.sighting

    def client(self, *, send_via: str = "fetch") -> ChatGPTAPI:
        """The client that every command would use; whatever browser was there is closed before its own starts."""
        if self._client is None or send_via != self._send_via:
            self._closers.close()
            made = client_from_environment(**self._given, send_via=send_via)
            self._client, self._send_via = self._closers.enter_context(made), send_via
        return self._client

    def remember_person(self, user: User) -> None:
        """Note by which words the site may call the person."""
        address = user.email or ""
        words = re.split(r"[\s.+_-]+", f"{user.name or ''} {address.partition('@')[0]}")
        self.person = [word for word in (address, *words) if len(word) > 2]

    def remember_secrets(self) -> None:
        """Note the tokens of now, while there are some: afterwards the session may have ended."""
        if self._client is None:
            return
        self.secrets.append(self._client.session_token)
        with suppress(ChatGPTError):
            self.secrets.append(self._client.ensure_auth())

    async def _close_probe(self) -> None:
        if self._probe is not None:
            await self._probe.close()
