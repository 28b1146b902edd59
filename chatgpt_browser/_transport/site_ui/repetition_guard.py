"""Prevents the site's page from sending a message a second time by itself."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..._core.log import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.async_api import CDPSession

    from ..._core.background import BackgroundTasks


class RepetitionGuard:
    """Records whether the page may send its message again, and makes the browser block further requests with a message."""

    def __init__(self, cdp: CDPSession, message_urls: Iterable[str], tasks: BackgroundTasks) -> None:
        #: True if the site rejected the request with the message, or its connection broke. The page may then repeat the request.
        self.has_failed = False
        #: True if the page may still react to an earlier click on the send button.
        self.may_react_late = False
        self._cdp = cdp
        self._message_urls = message_urls
        self._tasks = tasks

    @property
    def is_needed(self) -> bool:
        """True if the page may send the message again."""
        return self.has_failed or self.may_react_late

    async def block(self) -> None:
        """Block requests with a message from now on. A request for the rest of a reply is not blocked.

        Therefore ``Network.setBlockedURLs`` is not used here: it would also block longer URLs, such as the URL for the rest.
        """
        urls = [pattern for url in self._message_urls for pattern in (url, f"{url}\\?*")]
        with suppress(PlaywrightError):
            await self._cdp.send("Fetch.enable", {"patterns": [{"urlPattern": url} for url in urls]})

    async def _allow(self) -> None:
        with suppress(PlaywrightError):
            await self._cdp.send("Fetch.disable")

    def note_complete(self) -> None:
        """Record that the page has received the whole reply.

        If the request with the message had failed, the page has no reason to repeat it any more. So requests with a message are
        allowed again, unless the page may still react to an earlier click.
        """
        if self.has_failed:
            self.has_failed = False
            if not self.may_react_late:
                self._tasks.spawn(self._allow())

    def on_paused(self, event: dict[str, Any]) -> None:
        """Block a paused request. After :meth:`block`, Chromium pauses each request that contains a message."""
        self._tasks.spawn(self._refuse(event["requestId"]))

    async def _refuse(self, request_id: str) -> None:
        logger.warning("the page tried to send the message again: this was prevented")
        with suppress(PlaywrightError):
            await self._cdp.send("Fetch.failRequest", {"requestId": request_id, "errorReason": "Aborted"})
