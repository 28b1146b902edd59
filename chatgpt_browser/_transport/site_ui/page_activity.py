"""Detection of a page that has nothing more to load, so that what it does not show yet will not appear."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.log import logger
from .elements import becomes

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from .elements import PageElements
    from .isolated_evaluation import IsolatedEvaluation

#: Limit in seconds for a page without a message box to finish its requests. A page may poll, or keep a request open.
_IDLE_TIMEOUT = 8.0
#: A page is idle if its document does not change for so many seconds after its requests.
_QUIET_TIME = 4.0
#: Limit in seconds for the document to stop changing. A page may show a clock.
_CHANGE_TIMEOUT = 8.0


class PageActivity:
    """The network and the document of one page."""

    def __init__(self, page: Page, elements: PageElements, evaluation: IsolatedEvaluation) -> None:
        self._page = page
        self._elements = elements
        self._evaluation = evaluation

    async def appears(self, outcome: Locator, timeout: float) -> bool:
        """Return whether the outcome is attached within the timeout. The result is False earlier if the page becomes idle."""
        appearing = asyncio.ensure_future(becomes(outcome, "attached", timeout))
        idling = asyncio.ensure_future(self._wait_until_idle(timeout))
        try:
            await asyncio.wait((appearing, idling), return_when=asyncio.FIRST_COMPLETED)
            # The page may have shown the outcome directly before it became idle.
            return appearing.result() if appearing.done() else bool(await outcome.count())
        finally:
            appearing.cancel()
            idling.cancel()
            await asyncio.gather(appearing, idling, return_exceptions=True)

    async def wait_for_network_idle(self, timeout: float) -> None:
        """Wait until the page has no request in flight, but not longer than the timeout."""
        try:
            await self._page.wait_for_load_state("networkidle", timeout=milliseconds(timeout))
        except PlaywrightTimeoutError:
            logger.debug("the site's page is still loading after %g s", timeout)

    async def _wait_until_idle(self, timeout: float) -> None:
        """Wait until the network is idle, and the document is complete, interactive and unchanged for some seconds.

        A network that is never idle and a document that never stops changing each delay the end by a limited time.
        """
        with anyio.move_on_after(timeout):
            await self.wait_for_network_idle(_IDLE_TIMEOUT)
            while not await self._becomes_quiet():
                await self._page.wait_for_load_state("domcontentloaded")

    async def _becomes_quiet(self) -> bool:
        """Wait until the document does not change. Return False if it was replaced, or is not interactive yet."""
        try:
            with anyio.move_on_after(_CHANGE_TIMEOUT):
                await self._evaluation.call("quiet.js", _QUIET_TIME * 1000)
        except PlaywrightError:
            return False
        return not await self._elements.shell.count()
