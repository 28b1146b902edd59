"""The browser of a client: started on first use, restarted after a crash, and closed."""

from __future__ import annotations

import asyncio
import importlib
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .._core.errors import BrowserCrashedError, ClientClosedError, OriginError, naming_proxy
from .._core.log import logger
from .._core.page_only_origins import PAGE_ONLY_ORIGINS
from .._core.single_flight import SingleFlight
from .._core.telemetry import measuring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from playwright.async_api import BrowserContext

    from .._browser.browser import Browser
    from .._browser.page_setup.page import BrowserPage
    from .._core.options import Options
    from .._protocol.cookies import SessionToken
    from .fetch.fetch_page import FetchPage

T = TypeVar("T")

#: Parameters of ``Emulation.setUserAgentOverride``; None if the browser's own user agent is used.
Identity = dict[str, Any] | None

#: The two origins of the site. The first redirected to the second with status 308 when this was written.
_MOVES = {
    "https://chat.openai.com": "https://chatgpt.com",
    "https://chatgpt.com": "https://chat.openai.com",
}

#: Seconds that a browser start may take to finish after its caller was cancelled. Then the start is cancelled too.
_START_PATIENCE = 3.0
_REMEMBERED_TOKENS = 4


def moved_to(origin: str) -> str | None:
    """Return the only other origin that the site may redirect the client to, or None."""
    return _MOVES.get(origin)


class BrowserObserver(Protocol):
    """A hook that is called for each browser of a client, at its start and around its close."""

    async def begin(self, browser: Browser) -> None:
        """Prepare for a browser that has just started and has no page of ours yet."""

    def closing(
        self, browser: Browser, front_page: str, session_token: str
    ) -> AbstractAsyncContextManager[None]:
        """Return a context manager that surrounds the close of a browser, which may have crashed. It must not raise."""


class BrowserManager:
    """Owns one browser with one page on the site, and restarts both after a crash.

    ``preload`` is called while the first browser starts, when this process would otherwise be idle: it may import modules.
    """

    def __init__(
        self, options: Options, session_token: SessionToken, preload: Callable[[], object] = lambda: None
    ) -> None:
        #: The newest session token.
        self.session_token = session_token
        #: The session tokens before it, which a late response may still repeat.
        self.former_tokens: deque[SessionToken] = deque(maxlen=_REMEMBERED_TOKENS)
        #: The site's URLs; changed when the site moves to its other origin.
        self.site = options.site
        #: The hook for the next browser; set it before the browser starts.
        self.observer: BrowserObserver | None = None
        #: The origins that accept messages only from their own page; they matter with ``send_via="auto"``.
        self.page_only_origins = PAGE_ONLY_ORIGINS
        self._options = options
        self._preload = preload
        self._browser: Browser | None = None
        self._page: FetchPage | None = None
        #: The fetch page in a context that Playwright did not manage; it may still have requests in flight.
        self._former_page: FetchPage | None = None
        self._origin_error: OriginError | None = None
        self._start = SingleFlight(measuring("browser.start", self._start_browser))
        self._challenge = SingleFlight(self._pass_challenge)
        self._context_change = SingleFlight(self._open_watched_context)

    @property
    def needs_site_page(self) -> bool:
        """True if messages are sent by the site's own page: by option, or because the site accepts no others."""
        via = self._options.send_via
        return via == "page" or (via == "auto" and self.site.origin in self.page_only_origins)

    def require_site_page(self) -> None:
        """Remember that the site accepts messages only from its own page."""
        # The client may have followed the site to its other origin; the next client starts at the first one again.
        self.page_only_origins.remember(self._options.site.origin, self.site.origin)

    async def page(self) -> FetchPage:
        """Return the page, ready to send requests. Start a browser if none is running.

        :raises BrowserError: no browser could be started.
        :raises ChallengeError: the site showed a challenge that only a person can pass.
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

    async def pass_challenge(self) -> None:
        """Pass a challenge by opening the site in a second page. Replies in flight on the main page are not affected.

        :raises ChallengeError: the challenge did not pass without a person.
        """
        with naming_proxy(self._options.proxy):
            await self._challenge()

    async def run_in_context(self, work: Callable[[BrowserContext, Identity], Awaitable[T]]) -> T:
        """Call ``work`` with a context that Playwright manages and the identity of its page, and return the result.

        If the browser turns out to have crashed, it is restarted and the work is done once more.

        :raises ChatGPTError: the errors of :meth:`page` and of ``work``.
        """
        page = await self.page()
        try:
            return await self._run_in_context(page, work)
        except BrowserCrashedError as exc:
            if self._browser is None:
                raise ClientClosedError from exc
            page.die(exc)  # it has crashed together with its browser, and the event has not arrived yet
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
        """Move to a new context that Playwright manages, in the same browser, and return the fetch page in it.

        Site pages need such a context. The fetch page moves as well, so that both kinds of pages share one cookie store. Requests
        in flight on the previous fetch page continue.
        """
        browser, former = self._browser, self._page
        if browser is None or former is None:
            raise ClientClosedError
        async with browser.new_watched_context(self._options):
            page = await self._open_fetch_page(browser, former)
            if self._browser is not browser:
                raise BrowserCrashedError("The browser was replaced while a context was being opened.")
        self._page, self._former_page = page, former
        former.close_when_idle()
        return page

    @contextmanager
    def noting_origin_error(self) -> Iterator[None]:
        """Note an :class:`OriginError` that is raised in the block: the site has moved. Name the proxy in a ``ProxyError``.

        Once no request is in flight, the next call opens the site again, and follows it if that is allowed.
        """
        try:
            with naming_proxy(self._options.proxy):
                yield
        except OriginError as exc:
            self._origin_error = exc
            raise

    async def update_session_token(self) -> None:
        """Read the session token from the browser's cookies: the site may have rotated it."""
        if self._page is not None:
            await self._update_session_token(self._page)

    async def _update_session_token(self, page: BrowserPage) -> None:
        token = await page.get_session_token(self.site.origin)
        if token is not None and token.value != self.session_token.value:
            logger.info("the site has rotated the session token")
            self.former_tokens.append(self.session_token)
            self.session_token = token

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
        # Site pages are opened through Playwright.
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

    async def _open_fetch_page(self, browser: Browser, former: FetchPage | None = None) -> FetchPage:
        """Open a page on the site, ready to send requests, with the cookies of the former page if there is one."""
        from .fetch.fetch_page import FetchPage  # loaded by now: see _read_ahead

        page = FetchPage(await browser.open_target())
        with page.while_alive():
            if former is not None:
                await page.copy_cookies(former, self.site.origin)
            await asyncio.gather(
                page.set_up(self._options, self.site.origin),
                page.ignore_policy(),
                page.set_session_token(self.session_token, self.site.origin),
            )
            await self._settle(page)
            await asyncio.gather(page.prepare(self.site.origin), self._update_session_token(page))
        return page

    async def _settle(self, page: FetchPage) -> None:
        """Open the site. Follow a redirect between the site's two origins, but to no other origin."""
        try:
            await page.visit(self.site.session_url, self._options)
        except OriginError as exc:
            if exc.origin is None or moved_to(self.site.origin) != exc.origin:
                raise
            logger.warning("the site has moved from %s to %s: following it", self.site.origin, exc.origin)
            self.site = self.site.moved(exc.origin)
            await page.set_session_token(self.session_token, self.site.origin)
            await page.visit(self.site.session_url, self._options)

    def _read_ahead(self) -> None:
        """Load the modules and scripts that are needed as soon as the browser is up."""
        import anyio

        from .fetch import fetch_page

        for name in ("shutil", "uuid"):
            importlib.import_module(name)
        fetch_page.read_scripts()
        anyio.CancelScope()  # its first use imports the asyncio backend
        self._preload()

    async def _pass_challenge(self) -> None:
        if self._browser is None:
            raise ClientClosedError
        from .._browser.page_setup.page import BrowserPage

        page = BrowserPage(await self._browser.open_target())
        try:
            with page.while_alive():
                await page.set_up(self._options, self.site.origin)
                await page.visit(self.site.session_url, self._options)
                await self._update_session_token(page)
        finally:
            await asyncio.shield(page.close())


async def _start_shielded(options: Options, *, watched: bool, preload: Callable[[], object]) -> Browser:
    """Start a browser. If the caller is cancelled, wait for the start to finish and close the browser.

    After ``_START_PATIENCE`` seconds the start is cancelled: it closes what it has started.
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
