"""Manages the browser of a client: starts the browser on first use, restarts it after a crash, and closes it."""

from __future__ import annotations

import asyncio
import importlib
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .._core.errors import BrowserCrashedError, ClientClosedError, OriginError, naming_proxy
from .._core.log import logger
from .._core.page_only_origins import PAGE_ONLY_ORIGINS
from .._core.single_flight import SingleFlight
from .._core.telemetry import measuring
from .page_budget import PageBudget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from playwright.async_api import BrowserContext

    from .._browser.browser import Browser
    from .._browser.cdp_target import Target
    from .._browser.page_setup.page import BrowserPage
    from .._core.options import Options
    from .._core.urls import Site
    from .._protocol.cookies import SessionToken
    from .browser_observer import BrowserObserver
    from .fetch.fetch_page import FetchPage

T = TypeVar("T")

#: Parameters of ``Emulation.setUserAgentOverride``; None if the browser's own user agent is used.
Identity = dict[str, Any] | None

#: Maps each of the site's two origins to the other origin. When this code was written, ``chat.openai.com`` redirected to
#: ``chatgpt.com`` with status 308.
_MOVES = {
    "https://chat.openai.com": "https://chatgpt.com",
    "https://chatgpt.com": "https://chat.openai.com",
}

#: Seconds for which a browser start may continue after its caller was cancelled. Then the start is cancelled too.
_START_PATIENCE = 3.0
#: Number of earlier session tokens that are stored.
_REMEMBERED_TOKENS = 4


def moved_to(origin: str) -> str | None:
    """Return the other origin of the site, or None if ``origin`` is not an origin of the site.

    The client follows a redirect only to this other origin.
    """
    return _MOVES.get(origin)


class BrowserManager:
    """Owns one browser with one page on the site, and restarts both after a crash.

    ``preload`` is called during a browser start, while this process waits for the browser. It may import modules, for example.
    """

    #: The origins that accept messages only from their own page. They are used if ``send_via`` is "auto".
    page_only_origins = PAGE_ONLY_ORIGINS

    def __init__(
        self, options: Options, session_token: SessionToken, preload: Callable[[], object] = lambda: None
    ) -> None:
        self.session_token: SessionToken = session_token
        #: Earlier session tokens. A late response may still contain one of them.
        self.former_tokens: deque[SessionToken] = deque(maxlen=_REMEMBERED_TOKENS)
        #: The site's URLs. They are replaced when the site redirects to its other origin.
        self.site: Site = options.site
        #: The hook for the next browser. It must be set before the browser starts.
        self.observer: BrowserObserver | None = None
        #: The callback for the new value of the session token after the site has rotated the token. It must not raise an error.
        self.on_new_token: Callable[[str], object] = lambda _: None
        #: Limits how many pages of this client are open.
        self.page_budget: PageBudget = PageBudget()
        self.page_budget.register(self._count_pages)
        self._options = options
        self._preload = preload
        self._browser: Browser | None = None
        self._page: FetchPage | None = None
        #: The previous fetch page, if :meth:`_open_watched_context` has replaced it. It may still have requests in flight.
        self._former_page: FetchPage | None = None
        self._origin_error: OriginError | None = None
        self._start = SingleFlight(measuring("browser.start", self._start_browser))
        self._challenge = SingleFlight(self._pass_challenge)
        self._context_change = SingleFlight(self._open_watched_context)

    @property
    def needs_site_page(self) -> bool:
        """True if messages are sent through the site's own page.

        This is the case if ``send_via`` is "page", or if it is "auto" and the site accepts messages only from its own page.
        """
        via = self._options.send_via
        return via == "page" or (via == "auto" and self.site.origin in self.page_only_origins)

    def require_site_page(self) -> None:
        """Store that the site accepts messages only from its own page."""
        # Both origins are stored: the client may have followed a redirect, but the next client starts at the configured origin.
        self.page_only_origins.remember(self._options.site.origin, self.site.origin)

    async def page(self) -> FetchPage:
        """Return the fetch page, ready to send requests. If no browser is running, start a browser first.

        :raises BrowserError: no browser could be started.
        :raises ChallengeError: the site responded with a challenge that only a person can pass.
        :raises APIConnectionError: the site could not be reached.
        """
        if self._origin_error is not None and self._page is not None and self._page.is_idle:
            self._page.die(self._origin_error)
        if self._page is not None and self._page.dead is None:
            await self._page.ready()
        if self._page is not None and self._page.dead is None:
            return self._page
        with naming_proxy(self._options.proxy):
            return await self._start()

    def _count_pages(self) -> int:
        return sum(page is not None and page.dead is None for page in (self._page, self._former_page))

    async def pass_challenge(self) -> None:
        """Open the site in a second page, so that the browser passes a challenge there.

        Replies in flight on the fetch page are not affected.

        :raises ChallengeError: the browser could not pass the challenge without a person.
        """
        with naming_proxy(self._options.proxy):
            await self._challenge()

    async def open_target(self) -> Target:
        """Open a blank page in the browser of the fetch page, and return its target; see :meth:`page` for the errors."""
        await self.page()
        if self._browser is None:
            raise ClientClosedError
        return await self._browser.open_target()

    async def run_in_context(self, work: Callable[[BrowserContext, Identity], Awaitable[T]]) -> T:
        """Call ``work(context, identity)`` and return its result.

        ``context`` is a browser context that Playwright manages. ``identity`` is the identity of the fetch page. If ``work``
        fails because the browser has crashed, the browser is restarted and ``work`` is called once more.

        :raises ChatGPTError: the errors of :meth:`page` and of ``work``.
        """
        page = await self.page()
        try:
            return await self._run_in_context(page, work)
        except BrowserCrashedError as exc:
            if self._browser is None:
                raise ClientClosedError from exc
            # The page has crashed together with its browser, but the crash event has not arrived yet.
            page.die(exc)
        return await self._run_in_context(await self.page(), work)

    async def _run_in_context(
        self, page: FetchPage, work: Callable[[BrowserContext, Identity], Awaitable[T]]
    ) -> T:
        if self._browser is not None and not self._browser.is_watched:
            page = await self._context_change()
        if self._browser is None:
            raise ClientClosedError
        return await work(self._browser.context, page.identity)

    async def _open_watched_context(self) -> FetchPage:
        """In the running browser, open a context that Playwright manages. Return a new fetch page in this context.

        Site pages need a context that Playwright manages. The fetch page is opened in the same context, so that both kinds of
        pages share one cookie store. Requests in flight on the previous fetch page continue.
        """
        browser, former = self._browser, self._page
        if browser is None or former is None:
            raise ClientClosedError
        async with browser.new_watched_context(self._options) as context:
            page = await self._open_fetch_page(browser, former, context)
            if self._browser is not browser:
                raise BrowserCrashedError("The browser was replaced while a context was being opened.")
        self._page, self._former_page = page, former
        former.close_when_idle()
        return page

    @contextmanager
    def noting_origin_error(self) -> Iterator[None]:
        """Store an :class:`OriginError` that is raised in the block, and add the proxy's name to a ``ProxyError``.

        An :class:`OriginError` means that the site has redirected to another origin. Requests in flight continue. When no request
        is in flight any more, the next call of :meth:`page` starts a new browser, and follows a redirect to the site's other
        origin.
        """
        try:
            with naming_proxy(self._options.proxy):
                yield
        except OriginError as exc:
            self._origin_error = exc
            raise

    async def update_session_token(self) -> None:
        """Read the session token from the browser's cookies, because the site may have rotated the token."""
        if self._page is not None:
            await self._update_session_token(self._page)

    async def _set_session_token(self, page: BrowserPage) -> None:
        """Set the session cookies. If the client uses the session of the user's own browser, do nothing."""
        if self._options.uses_own_session:
            await page.set_session_token(self.session_token, self.site.origin)

    async def _update_session_token(self, page: BrowserPage) -> None:
        if not self._options.uses_own_session:
            return
        token = await page.get_session_token(self.site.origin)
        if token is not None and token.value != self.session_token.value:
            logger.info("the site has rotated the session token")
            self.former_tokens.append(self.session_token)
            self.session_token = token
            self.on_new_token(token.value)

    async def close(self) -> None:
        """Close the browser. Requests in flight fail with :class:`ClientClosedError`."""
        await self._start.cancel()
        await self._challenge.cancel()
        await self._context_change.cancel()
        for page in (self._page, self._former_page):
            if page is not None:
                page.die(ClientClosedError())
        await self._close_browser()

    async def _close_browser(self) -> None:
        browser, self._browser = self._browser, None
        self._page = self._former_page = None
        if browser is None:
            return
        if self.observer is None:
            await browser.close()
            return
        async with self.observer.closing(browser, f"{self.site.origin}/", self.session_token.value):
            await browser.close()

    async def _start_browser(self) -> FetchPage:
        if self._page is not None:
            logger.warning("starting a new browser: %s", self._page.dead)
        await self._close_browser()
        self._origin_error = None
        if self._options.send_via == "auto":
            self.page_only_origins.load()
        # Site pages and the observer need a context that Playwright manages.
        watched = self.observer is not None or self.needs_site_page
        self._browser = await _start_shielded(self._options, watched=watched, preload=self._read_ahead)
        try:
            if self.observer is not None:
                await self.observer.begin(self._browser)
            page = await self._open_fetch_page(self._browser)
        except BaseException:
            await asyncio.shield(self._close_browser())
            raise
        self._page = page
        return page

    async def _open_fetch_page(
        self, browser: Browser, former: FetchPage | None = None, context: BrowserContext | None = None
    ) -> FetchPage:
        """Open and return a page on the site, ready to send requests. If ``former`` is given, copy the cookies of that page."""
        from .fetch.fetch_page import FetchPage  # _read_ahead has imported this module already

        page = FetchPage(await browser.open_target(context))
        with page.while_alive():
            if former is not None:
                await page.copy_cookies(former, self.site.origin)
            await asyncio.gather(
                page.set_up(self._options, self.site.origin),
                page.ignore_policy(),
                self._set_session_token(page),
            )
            await self._settle(page)
            await asyncio.gather(page.prepare(self.site.origin), self._update_session_token(page))
            if not self._options.uses_own_session:
                await page.clear()  # the user can see this page, and the document contains an access token
        return page

    async def _settle(self, page: FetchPage) -> None:
        """Open the site in the page. If the site redirects to its other origin, follow the redirect.

        :raises OriginError: the site redirected to a foreign origin.
        """
        try:
            await page.visit(self.site.session_url, self._options)
        except OriginError as exc:
            if exc.origin is None or moved_to(self.site.origin) != exc.origin:
                raise
            logger.warning("the site has moved from %s to %s: following it", self.site.origin, exc.origin)
            self.site = self.site.moved(exc.origin)
            await self._set_session_token(page)
            await page.visit(self.site.session_url, self._options)

    def _read_ahead(self) -> None:
        """Load the modules and scripts that are needed as soon as the browser has started."""
        import anyio

        from .fetch import fetch_page

        for name in ("hashlib", "shutil", "uuid"):
            importlib.import_module(name)
        if self.needs_site_page:
            importlib.import_module(".site_ui.site_page", __package__)
        fetch_page.read_scripts()
        anyio.CancelScope()  # the first use of this class imports anyio's asyncio backend
        self._preload()

    async def _pass_challenge(self) -> None:
        from .._browser.page_setup.page import BrowserPage

        async with self.page_budget.waiting_to_open():
            if self._browser is None:
                raise ClientClosedError
            page = BrowserPage(await self._browser.open_target())
            try:
                with page.while_alive():
                    await page.set_up(self._options, self.site.origin)
                    await page.visit(self.site.session_url, self._options)
                    await self._update_session_token(page)
            finally:
                await asyncio.shield(page.close())


async def _start_shielded(options: Options, *, watched: bool, preload: Callable[[], object]) -> Browser:
    """Start a browser and return it. If the caller is cancelled, wait until the start has finished, and close the browser.

    If the start has not finished after ``_START_PATIENCE`` seconds, cancel it. A cancelled start closes the processes that it has
    started.
    """
    from .._browser.browser import Browser

    starting = Browser.start(options, watched=watched, meanwhile=preload)
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
