"""What becomes of a page's requests on their way out: some get a header that a page may not set, one is answered from here."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .cdp_target import Target

__all__ = ["ExtraHeaders", "Interception"]


class Interception:
    """Answers navigations in the site's place."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._document = ""
        target.on("Fetch.requestPaused", self._paused)

    @asynccontextmanager
    async def answering(self, origin: str, document: str) -> AsyncIterator[None]:
        """Answer all that goes to that origin with this document (Base64) while the block runs."""
        self._document = document
        await self._target.send("Fetch.enable", {"patterns": [{"urlPattern": f"{origin}/*"}]})
        try:
            yield
        finally:
            self._target.tell("Fetch.disable", {})

    def _paused(self, event: dict[str, Any]) -> None:
        answer = {"requestId": event["requestId"], "responseCode": 200, "body": self._document}
        self._target.tell("Fetch.fulfillRequest", answer)


class ExtraHeaders:
    """Headers for a page's requests, which Chromium adds while it reports on the page's network, and only then.

    It would report each chunk of an answer, too, which costs more than to read it. So this begins before a request leaves, best
    while nobody waits, and ends right behind it: commands to a page are obeyed in their order, and a header is added where the
    page asks for its request. To hold up each request instead, and add them then, takes 3 ms longer.
    """

    def __init__(self, target: Target, headers: dict[str, str]) -> None:
        self._target = target
        self._headers = headers
        self._begun = False

    def begin(self) -> None:
        """Have them added to what leaves from here on."""
        if self._headers and not self._begun:
            self._begun = True
            self._target.tell("Network.enable", {"maxTotalBufferSize": 0, "maxResourceBufferSize": 0})
            self._target.tell("Network.setExtraHTTPHeaders", {"headers": self._headers})

    def end(self) -> None:
        """What leaves from here on goes without them; what is under way goes on without a report."""
        if self._begun:
            self._begun = False
            self._target.tell("Network.disable", {})
