"""Pages that download files. Their document is empty and has the origin of the file, so the response needs no CORS header."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ..._browser.playwright_errors import map_playwright_errors
from ..._core.errors import ClientClosedError
from .fetch_page import FetchPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..._browser.cdp_target import Target
    from ..._core.options import Options
    from ..page_budget import PageBudget

#: The maximum number of files that a client downloads at the same time. Each download needs a page.
_MAX_PAGES = 2


class DownloadPage(FetchPage):
    """A page that sends requests to one origin.

    It also records the target of each redirect, because scripts in a page cannot read this target.
    """

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        #: The header ``Location`` of the newest redirect, or None.
        self.location: str | None = None
        target.on("Fetch.requestPaused", self._on_paused)

    async def enter(self, options: Options, origin: str) -> None:
        """Load an empty document of the origin, and prepare the page for requests. No network request is sent for this."""
        await self.set_up(options, origin)
        await self.ignore_policy()
        await self.prepare(origin)
        patterns = [{"urlPattern": "*", "requestStage": "Response"}]
        with map_playwright_errors():
            await self._target.send("Fetch.enable", {"patterns": patterns})

    def _on_paused(self, event: dict[str, Any]) -> None:
        if "responseStatusCode" not in event and "responseErrorReason" not in event:
            return  # the request for the empty document
        headers = {each["name"].lower(): each["value"] for each in event.get("responseHeaders", ())}
        if 300 <= event.get("responseStatusCode", 0) < 400:
            self.location = headers.get("location")
        self._target.send_soon("Fetch.continueRequest", {"requestId": event["requestId"]})


class TargetProvider(Protocol):
    """The part of :class:`BrowserManager` that opens blank pages."""

    page_budget: PageBudget

    async def open_target(self) -> Target:
        """Open a blank page, and return its target."""
        ...


class DownloadPages:
    """Opens download pages, at most two at the same time."""

    def __init__(self, options: Options, targets: TargetProvider) -> None:
        self._options = options
        self._targets = targets
        self._free = asyncio.Semaphore(_MAX_PAGES)
        # A browser context that Playwright manages reuses a page that is still blank. So each page must get its document before
        # the next page is opened.
        self._opening = asyncio.Lock()
        self._pages: set[DownloadPage] = set()
        self._is_closed = False
        targets.page_budget.register(lambda: len(self._pages))

    @asynccontextmanager
    async def open(self, origin: str) -> AsyncIterator[DownloadPage]:
        """Yield a page that can send requests to the origin. The page is closed at the end of the block.

        If too many download pages are open, or too many pages of the client in total, first wait until a page is closed.

        :raises ClientClosedError: the client was closed.
        :raises BrowserError: the page could not be opened.
        """
        async with self._free:
            if self._is_closed:
                raise ClientClosedError
            async with self._targets.page_budget.waiting_to_open(), self._opening:
                page = DownloadPage(await self._targets.open_target())
                self._pages.add(page)
                try:
                    with page.while_alive():
                        await page.enter(self._options, origin)
                except BaseException:
                    await self._close(page)
                    raise
            try:
                yield page
            finally:
                await self._close(page)

    async def _close(self, page: DownloadPage) -> None:
        self._pages.discard(page)
        if not self._is_closed:
            await asyncio.shield(page.close())
            self._targets.page_budget.notify()

    def close(self) -> None:
        """Fail all downloads with :class:`ClientClosedError`. The pages are closed together with their browser."""
        self._is_closed = True
        for page in self._pages:
            page.die(ClientClosedError())
