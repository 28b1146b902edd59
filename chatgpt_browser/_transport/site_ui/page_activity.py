"""Detects that a page has finished loading. After that, a wait for an element that is still missing is useless."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.background import cancel_tasks
from ..._core.log import logger
from .elements import becomes

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

    from .elements import PageElements
    from .isolated_evaluation import IsolatedEvaluation

#: Time limit in seconds of the wait until the page has no request in flight. The limit is needed, because a page may keep a
#: request open without end, or send requests at intervals.
_IDLE_TIMEOUT = 8.0
#: Seconds for which the document must not change, after all requests have ended. Then the page is idle.
_QUIET_TIME = 4.0
#: Time limit in seconds within which the document should stop changing. After this time, the page is treated as idle, because a
#: page with a clock never stops changing.
_CHANGE_TIMEOUT = 8.0


class PageActivity:
    """Observes the network requests and the document of one page, and waits until the page is idle."""

    def __init__(self, page: Page, elements: PageElements, evaluation: IsolatedEvaluation) -> None:
        self._page = page
        self._elements = elements
        self._evaluation = evaluation

    async def appears(self, outcome: Locator, timeout: float) -> bool:
        """Wait until ``outcome`` finds an element in the document, and return True. Return False after the timeout.

        If the page becomes idle before such an element appears, return False at once.
        """
        appearing = asyncio.ensure_future(becomes(outcome, "attached", timeout))
        idling = asyncio.ensure_future(self._wait_until_idle(timeout))
        try:
            await asyncio.wait((appearing, idling), return_when=asyncio.FIRST_COMPLETED)
            # An element may have appeared directly before the page became idle, so the page is searched once more.
            return appearing.result() if appearing.done() else bool(await outcome.count())
        finally:
            await cancel_tasks(appearing, idling)

    async def wait_for_network_idle(self, timeout: float) -> None:
        """Wait until the page has no request in flight, for at most ``timeout`` seconds."""
        try:
            await self._page.wait_for_load_state("networkidle", timeout=milliseconds(timeout))
        except PlaywrightTimeoutError:
            logger.debug("the site's page is still loading after %g s", timeout)

    async def _wait_until_idle(self, timeout: float) -> None:
        """Wait until the network is idle. Then wait until the page's scripts have run and the document stops changing.

        Each part of the wait has a time limit, because the network may never be idle, or the document may never stop changing.
        """
        with anyio.move_on_after(timeout):
            await self.wait_for_network_idle(_IDLE_TIMEOUT)
            while not await self._becomes_quiet():
                await self._page.wait_for_load_state("domcontentloaded")

    async def _becomes_quiet(self) -> bool:
        """Wait until the document stops changing. Return False if it was replaced, or if its scripts have not run yet."""
        try:
            with anyio.move_on_after(_CHANGE_TIMEOUT):
                await self._evaluation.call("quiet.js", _QUIET_TIME * 1000)
        except PlaywrightError:
            return False
        return not await self._elements.shell.count()
