"""Navigates a page to a URL or to an empty document, and watches the documents that the page's main frame loads."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..cdp_target import add_listeners, read_head
from ..playwright_errors import is_navigation_without_document

if TYPE_CHECKING:
    from ..._core.models import Head
    from ..cdp_target import Target


async def navigate(target: Target, url: str) -> str | None:
    """Navigate the page and return the loader id of the new document.

    :return: the loader id, or None if the response contained no document (for example status 204, an empty body or a download).
    :raises PlaywrightError: the navigation failed.
    """
    found = await target.send("Page.navigate", {"url": url}, timeout=None)
    if "errorText" not in found:
        loader: str | None = found.get("loaderId")
        return loader
    error = PlaywrightError(f"{found['errorText']} at {url}")
    if is_navigation_without_document(error):
        return None
    raise error


#: The empty document. Without the icon in it, a full Chromium would request the site's icon before the user agent is overridden.
_EMPTY_HTML = base64.b64encode(b'<!doctype html><link rel="icon" href="data:,">').decode()


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
        if "responseStatusCode" in event or "responseErrorReason" in event:
            return  # A response is paused, not a request. The listener that asked Chromium to pause responses handles it.
        response = {"requestId": event["requestId"], "responseCode": 200, "body": _EMPTY_HTML}
        self._target.send_soon("Fetch.fulfillRequest", response)


class NavigationWatcher:
    """Reports the documents that a page's main frame loads, in order. The page's events must be enabled.

    A script can start the next navigation while its document is still loading. The response to that navigation may arrive before
    the current document has loaded, so the newest response may belong to the next document. Therefore the response of a document
    is looked up by its loader id. An HTML document is reported when its content is loaded. Any other document has no scripts, and
    is reported as soon as it replaces the previous document.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        #: The URL of the current document, without its fragment.
        self.url = ""
        self._heads: dict[str, Head] = {}
        self._loader = ""
        #: True if the current document was reported. Initially True, so that a late `domContentEventFired` of the document before
        #: the navigation is ignored.
        self._is_reported = True
        self._documents: asyncio.Queue[Head | None] = asyncio.Queue()

    def __enter__(self) -> NavigationWatcher:
        listeners = {
            "Network.responseReceived": self._on_response,
            "Page.frameNavigated": self._on_commit,
            "Page.domContentEventFired": self._on_content_loaded,
        }
        self._remove_listeners = add_listeners(self._target, listeners)
        return self

    async def enable(self) -> None:
        """Enable the events of responses. Call this before or together with the navigation."""
        await self._target.send("Network.enable")

    def __exit__(self, *_: object) -> None:
        self._remove_listeners()
        self._target.send_soon("Network.disable", {})

    def head_of(self, loader: str) -> Head | None:
        """Return the head of the response with this loader's document, or None if there was no response."""
        return self._heads.get(loader)

    async def next(self) -> Head | None:
        """Wait for the next document. Return the head of its response, or None if there was no response."""
        return await self._documents.get()

    def _on_response(self, event: dict[str, Any]) -> None:
        if event["type"] == "Document":
            self._heads[event["loaderId"]] = read_head(event["response"])

    def _on_commit(self, event: dict[str, Any]) -> None:
        frame = event["frame"]
        if "parentId" in frame:
            return
        self.url, self._loader = frame["url"], frame["loaderId"]
        head = self._heads.get(self._loader)
        self._is_reported = head is not None and not head.is_html
        if self._is_reported:
            self._documents.put_nowait(head)

    def _on_content_loaded(self, _: dict[str, Any]) -> None:
        if not self._is_reported:
            self._documents.put_nowait(self._heads.get(self._loader))
