"""What becomes of a page's requests on their way out: some get headers that a page may not set, one is answered from here."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ._target import Target

__all__ = ["Interception"]


class Interception:
    """Of one page. Where there is nothing to do, requests leave without our being asked: to ask takes 1 ms or 2."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._headers: list[dict[str, str]] = []
        self._document = ""
        target.on("Fetch.requestPaused", self._paused)

    async def add_headers(self, origin: str, headers: dict[str, str]) -> None:
        """From here on, send these along with each request to that origin."""
        self._headers = [{"name": name, "value": value} for name, value in headers.items()]
        await self._enable(origin)

    @asynccontextmanager
    async def answering(self, origin: str, document: str) -> AsyncIterator[None]:
        """Answer navigations to that origin with this document (Base64) while the block runs."""
        self._document = document
        await self._enable(origin)
        try:
            yield
        finally:
            self._document = ""
        if not self._headers:
            await self._target.send("Fetch.disable")

    async def _enable(self, origin: str) -> None:
        await self._target.send("Fetch.enable", {"patterns": [{"urlPattern": f"{origin}/*"}]})

    def _paused(self, event: dict[str, Any]) -> None:
        number = {"requestId": event["requestId"]}
        if self._document and event["resourceType"] == "Document":
            answer = {"responseCode": 200, "body": self._document}
            self._target.tell("Fetch.fulfillRequest", number | answer)
            return
        given = [{"name": name, "value": value} for name, value in event["request"]["headers"].items()]
        headers = {"headers": given + self._headers} if self._headers else {}
        self._target.tell("Fetch.continueRequest", number | headers)
