"""An empty document of any origin, without a request to the network."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .navigation import navigate

if TYPE_CHECKING:
    from ..cdp_target import Target

#: A full Chromium requests the site's icon, before its user agent is overridden, unless the document names an icon.
_HTML = base64.b64encode(b'<!doctype html><link rel="icon" href="data:,">').decode()


class EmptyDocument:
    """Navigates a page to an empty document of an origin by intercepting the request."""

    def __init__(self, target: Target) -> None:
        self._target = target
        target.on("Fetch.requestPaused", self._fulfill)

    async def show(self, origin: str) -> None:
        """Navigate the page to the empty document. No request leaves the browser."""
        await self._target.send("Fetch.enable", {"patterns": [{"urlPattern": f"{origin}/*"}]})
        try:
            await navigate(self._target, f"{origin}/")
        finally:
            self._target.send_soon("Fetch.disable", {})

    def _fulfill(self, event: dict[str, Any]) -> None:
        response = {"requestId": event["requestId"], "responseCode": 200, "body": _HTML}
        self._target.send_soon("Fetch.fulfillRequest", response)
