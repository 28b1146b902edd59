"""The machinery under a client: one browser and one page on the site, started once and started again when they have died."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol

import anyio

from .._core.errors import BrowserCrashedError, ChatGPTError, ClientClosedError, OriginError
from .._core.single_flight import SingleFlight
from .._core.telemetry import measuring

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from .._browser.browser import Browser
    from .._core.options import Options
    from .._protocol.cookies import SessionToken
    from .fetch.fetch_page import FetchPage
    from .site_ui.site_page import SitePage

__all__ = ["BrowserManager", "moved_to"]

#: The site's two names. It answered 308 from the first to the second when this was written.
_MOVES = {
    "https://chat.openai.com": "https://chatgpt.com",
    "https://chatgpt.com": "https://chat.openai.com",
}

#: How long (in seconds) a browser that nobody wants any more may take to start.
_START_PATIENCE = 3.0
_REMEMBERED_TOKENS = 4

logger = logging.getLogger("chatgpt_browser")


def moved_to(origin: str) -> str | None:
    """The only other origin to which the site may send us, or None."""
    return _MOVES.get(origin)


class BrowserObserver(Protocol):
    """Sees each browser from its start to its close."""

    async def begin(self, browser: Browser) -> None:
        """A browser has just started; nothing has been done with it."""

    def closing(
        self, browser: Browser, front_page: str, session_token: str
    ) -> AbstractAsyncContextManager[None]:
        """A browser is about to be closed, whatever state it is in, and is closed within. Must not raise."""


class BrowserManager:
    """Gives the page to whoever needs it. A ``witness`` that is to see the first browser is put there before it starts."""

    def __init__(self, options: Options, session_token: SessionToken) -> None:
        self.session_token = session_token
        #: What the newest one has come after: an answer may still repeat it.
        self.former_tokens: deque[SessionToken] = deque(maxlen=_REMEMBERED_TOKENS)
        self.site = options.site
        self.witness: BrowserObserver | None = None
        self._options = options
        self._browser: Browser | None = None
        self._page: FetchPage | None = None
        self._origin_error: OriginError | None = None
        self._start = SingleFlight(measuring("browser.start", self._start_browser))
        self._passage = SingleFlight(self._pass_challenge)

    async def page(self) -> FetchPage:
        """The page, ready to send requests; a browser is started where none is running.

        :raises BrowserError: there is none to be had.
        :raises ChallengeError: the site wants to see a person.
        :raises APIConnectionError: the site can't be reached.
        """
        if self._origin_error is not None and self._page is not None and self._page.is_idle:
            self._page.die(self._origin_error)
        if self._page is not None and self._page.dead is None:
            await self._page.ready()
        if self._page is not None and self._page.dead is None:
            return self._page
        return await self._start()

    async def pass_challenge(self) -> None:
        """Show the site a navigation, so that a challenge can pass; the page with its running replies stays as it is.

        :raises ChallengeError: it did not pass by itself.
        """
        await self._passage()

    async def open_site_page(self, on_idle: Callable[[SitePage], object]) -> SitePage:
        """A page for the site's own application, beside the one that :meth:`page` gives.

        :raises ChatGPTError: what :meth:`page` raises.
        """
        page = await self.page()
        try:
            return await self._open_site_page(page, on_idle)
        except BrowserCrashedError as exc:
            if self._browser is None:
                raise ClientClosedError from exc
            page.die(exc)  # it has died with its browser, and has not been told yet
        return await self._open_site_page(await self.page(), on_idle)

    async def _open_site_page(self, page: FetchPage, on_idle: Callable[[SitePage], object]) -> SitePage:
        from .site_ui.site_page import SitePage

        if self._browser is None:
            raise ClientClosedError
        return await SitePage.open(
            self._browser.context, page.identity, on_idle, headless=self._options.headless
        )

    def leave(self, reason: OriginError) -> None:
        """The site is not where it was: once no reply is under way, the next call goes and sees, and follows where it may."""
        self._origin_error = reason

    async def read_back(self) -> None:
        """Take over the session token where the site has rotated it."""
        if self._page is not None:
            await self._read_back(self._page)

    async def _read_back(self, page: FetchPage) -> None:
        token = await page.get_session_token(self.site.origin)
        if token is not None and token.value != self.session_token.value:
            logger.info("the site has rotated the session token")
            self.former_tokens.append(self.session_token)
            self.session_token = token

    async def close(self) -> None:
        """End everything. Whoever still waits gets :class:`ClientClosedError`."""
        await self._start.cancel()
        await self._passage.cancel()
        if self._page is not None:
            self._page.die(ClientClosedError())
        await self._close_browser()

    async def _close_browser(self) -> None:
        browser, self._browser, self._page = self._browser, None, None
        if browser is None:
            return
        if self.witness is None:
            await browser.close()
            return
        async with self.witness.closing(browser, f"{self.site.origin}/", self.session_token.value):
            await browser.close()

    async def _start_browser(self) -> FetchPage:
        if self._page is not None:
            logger.warning("starting a new browser: %s", self._page.dead)
        await self._close_browser()
        self._origin_error = None
        # The pages of `open_tab` are Playwright's.
        watched = self.witness is not None or self._options.send_via != "fetch"
        self._browser = await _launched(self._options, watched=watched)
        try:
            if self.witness is not None:
                await self.witness.begin(self._browser)
            page = await self._new_page(self._browser)
            with page.while_alive():
                await asyncio.gather(
                    self._set_up(page),
                    page.ignore_policy(),
                    page.set_session_token(self.session_token, self.site.origin),
                )
                await self._settle(page)
                await asyncio.gather(page.prepare(self.site.origin), self._read_back(page))
        except BaseException:
            await asyncio.shield(self._close_browser())
            raise
        self._page = page
        return page

    async def _new_page(self, browser: Browser) -> FetchPage:
        from .._browser.playwright_errors import map_playwright_errors
        from .fetch.fetch_page import FetchPage

        with map_playwright_errors():
            return FetchPage(await browser.open_target())

    async def _set_up(self, page: FetchPage) -> None:
        """Have a page say who it is. One with a window speaks for itself unless it was told otherwise."""
        await page.set_up(ignore_https_errors=self._options.ignore_https_errors)
        if self._options.headless or self._options.user_agent is not None:
            await page.identify(self.site.origin, self._options.user_agent)

    async def _settle(self, page: FetchPage) -> None:
        """Bring the page to the site, and along to where the site has moved: between its own two names, and nowhere else."""
        try:
            await self._visit(page)
        except OriginError as exc:
            if exc.origin is None or moved_to(self.site.origin) != exc.origin:
                raise
            logger.warning("the site has moved from %s to %s: going along", self.site.origin, exc.origin)
            self.site = self.site.moved(exc.origin)
            await page.set_session_token(self.session_token, self.site.origin)
            await self._visit(page)

    async def _visit(self, page: FetchPage) -> None:
        await page.visit(
            self.site.session_url,
            timeout=self._options.first_byte_timeout,
            challenge_timeout=self._options.challenge_timeout,
        )

    async def _pass_challenge(self) -> None:
        if self._browser is None:
            raise ClientClosedError
        page = await self._new_page(self._browser)
        try:
            with page.while_alive():
                await self._set_up(page)
                await self._visit(page)
                await self._read_back(page)
        finally:
            await asyncio.shield(_close_quietly(page))


async def _launched(options: Options, *, watched: bool) -> Browser:
    """Start a browser. One that is half started is nobody's to close: who is cancelled waits for it, then closes it.

    One that takes its time may never come: it is given up, and its driver ends what there is of it.
    """
    from .._browser.browser import Browser

    starting = Browser.start(options, watched=watched, meanwhile=_read_ahead)
    start = asyncio.get_running_loop().create_task(starting)
    try:
        return await asyncio.shield(start)
    except asyncio.CancelledError:
        await asyncio.wait([start], timeout=_START_PATIENCE)
        start.cancel()
        await asyncio.wait([start])
        if not start.cancelled() and start.exception() is None:
            await start.result().close()
        raise


def _read_ahead() -> None:
    """Load what comes next: our own code in Python and JavaScript, tenacity, and of anyio what it loads with its first use."""
    import shutil as shutil
    import uuid as uuid

    from .fetch import fetch_page as _page

    _page.read_scripts()
    anyio.CancelScope()


async def _close_quietly(page: FetchPage) -> None:
    try:
        await page.close()
    except ChatGPTError as exc:
        logger.debug("closing a page: %s", exc)
