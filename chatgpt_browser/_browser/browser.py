"""A running Chromium with one browser context that belongs to the client."""

from __future__ import annotations

import asyncio
import functools
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from .._core.errors import BrowserLaunchError
from .._core.log import logger
from .cdp_target import Target
from .driver import start_driver
from .launcher import context_settings, launch, launch_with_profile
from .playwright_errors import map_playwright_errors, suppress_close_errors, when_lost
from .temporary_profile import TemporaryProfile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Browser as PlaywrightBrowser
    from playwright.async_api import BrowserContext, BrowserType, CDPSession
    from playwright.async_api import Page as PlaywrightPage

    from .._core.options import Options


class Browser:
    """A running Chromium, the client's context in it, and the DevTools session that controls it.

    Playwright manages the context only if this is necessary: if the context must be observable through Playwright, if it belongs
    to a persistent profile, or if a proxy needs a password. All pages are slower in a context that Playwright manages; the reason
    is described in :mod:`chatgpt_browser._browser.cdp_target`.
    """

    def __init__(
        self,
        browser: PlaywrightBrowser,
        devtools: CDPSession,
        context: BrowserContext | str,
        closers: AsyncExitStack,
    ) -> None:
        self.devtools = devtools
        self.version: str = browser.version
        self._browser = browser
        #: Playwright's context, or the id of a context that Playwright does not manage.
        self._context = context
        self._closers = closers
        self._targets: list[Target] = []
        when_lost(browser, self._mark_targets_gone)

    @property
    def context(self) -> BrowserContext:
        """Playwright's object for the context. It exists only if :attr:`is_watched` is True."""
        assert not isinstance(self._context, str)
        return self._context

    @property
    def is_watched(self) -> bool:
        """True if Playwright manages the context."""
        return not isinstance(self._context, str)

    @asynccontextmanager
    async def new_watched_context(self, options: Options) -> AsyncIterator[BrowserContext]:
        """Yield a new context that Playwright manages. After the block, the new context replaces the context of this browser.

        The old context stays open, because requests on its pages continue. If the block raises an error, the new context is
        closed.

        :raises BrowserError: the context could not be opened.
        """
        with map_playwright_errors():
            context = await self._browser.new_context(**context_settings(options))
        self._closers.push_async_callback(suppress_close_errors, context.close)
        try:
            yield context
        except BaseException:
            await asyncio.shield(suppress_close_errors(context.close))
            raise
        self._context = context

    async def open_target(self, context: BrowserContext | None = None) -> Target:
        """Open a blank page and return its target.

        If Playwright manages the context, and the context already has a blank page, return the target of that page instead.

        :param context: the context in which to open the page; None: the context of this browser.

        :raises BrowserError: the page could not be opened.
        """
        used = self._context if context is None else context
        with map_playwright_errors():
            if isinstance(used, str):
                params = {"url": "about:blank", "browserContextId": used}
                created = await self.devtools.send("Target.createTarget", params)
                return await self._attach(created["targetId"], is_watched=False)
            blank = [page for page in used.pages if page.url == "about:blank"]
            return await self.target_of(blank[0] if blank else await used.new_page())

    async def target_of(self, page: PlaywrightPage) -> Target:
        """Attach to a page that Playwright manages, and return the target."""
        session = await page.context.new_cdp_session(page)
        info = (await session.send("Target.getTargetInfo"))["targetInfo"]
        await session.detach()
        return await self._attach(info["targetId"], is_watched=True)

    async def _attach(self, target_id: str, *, is_watched: bool) -> Target:
        target = await Target.attach(self.devtools, target_id, is_watched=is_watched)
        self._targets.append(target)
        return target

    def _mark_targets_gone(self) -> None:
        for target in self._targets:
            target.mark_gone()

    @classmethod
    async def start(
        cls, options: Options, *, watched: bool = False, meanwhile: Callable[[], object] = lambda: None
    ) -> Browser:
        """Launch a browser, or connect to a remote browser if the options contain the URL of one.

        :param watched: True if Playwright must manage the context, so that the context can be observed.
        :param meanwhile: called while Playwright's driver starts, which takes 0.2 s.

        :raises BrowserNotFoundError: no Chromium is installed.
        :raises BrowserLaunchError: the browser does not start, or the remote browser does not accept the connection.
        """
        with anyio.move_on_after(options.launch_timeout):
            return await cls._start(options, watched=watched, meanwhile=meanwhile)
        raise BrowserLaunchError(
            f"The browser did not start in time: launch_timeout is {options.launch_timeout:g} s."
        )

    @classmethod
    async def _start(cls, options: Options, *, watched: bool, meanwhile: Callable[[], object]) -> Browser:
        async with AsyncExitStack() as stack:
            playwright = await start_driver(meanwhile)
            with map_playwright_errors(launching=True):
                profile = TemporaryProfile()
                stack.push_async_callback(profile.remove)
                stack.push_async_callback(suppress_close_errors, playwright.stop)
                browser, persistent = await _open_browser(playwright.chromium, options, stack)
                devtools = await browser.new_browser_cdp_session()
                if persistent is None and not options.browser_urls:
                    profile.start_search(devtools)
                context = persistent or await _open_context(
                    browser, devtools, options, stack, watched=watched
                )
            logger.info("browser up: Chromium %s", browser.version, extra={"chatgpt_event": "browser_up"})
            return cls(browser, devtools, context, stack.pop_all())

    async def close(self) -> None:
        """Close the context, the browser (unless it is remote) and the driver, even if they have crashed."""
        closers, self._closers = self._closers, AsyncExitStack()
        await closers.aclose()


async def _open_browser(
    chromium: BrowserType, options: Options, stack: AsyncExitStack
) -> tuple[PlaywrightBrowser, BrowserContext | None]:
    """Launch or connect to a browser. Return the browser, and the context of its persistent profile (None without a profile)."""
    if options.user_data_dir is not None:
        context = await launch_with_profile(chromium, options, options.user_data_dir)
        stack.push_async_callback(suppress_close_errors, context.close)
        assert context.browser is not None, "Playwright sets it for a persistent context since 1.52"
        return context.browser, context

    if options.browser_urls:
        from .remote import connect  # imported on first use: most clients launch a browser

        browser, release = await connect(chromium, options)
        stack.push_async_callback(release)
    else:
        browser = await launch(chromium, options)
    stack.push_async_callback(suppress_close_errors, browser.close)
    return browser, None


async def _open_context(
    browser: PlaywrightBrowser,
    devtools: CDPSession,
    options: Options,
    stack: AsyncExitStack,
    *,
    watched: bool,
) -> BrowserContext | str:
    """Return the browser context of the client: Playwright's object if Playwright manages the context, else its id.

    If the client uses the session of the browser's user, the default context is returned. It belongs to the user, so it is never
    closed. When the client closes, only the client's own pages in it are closed (see :func:`.remote.connect`).
    """
    if not options.uses_own_session:
        return browser.contexts[0]
    if watched or (options.proxy and "username" in options.proxy):
        context = await browser.new_context(**context_settings(options))
        stack.push_async_callback(suppress_close_errors, context.close)
        return context

    # A remote browser disposes of the context when the connection closes, even if the client crashes.
    created = await devtools.send("Target.createBrowserContext", {"disposeOnDetach": True})
    params: dict[str, str] = {"browserContextId": created["browserContextId"]}
    stack.push_async_callback(
        suppress_close_errors, functools.partial(devtools.send, "Target.disposeBrowserContext", params)
    )
    await devtools.send("Browser.setDownloadBehavior", {"behavior": "deny", **params})
    return params["browserContextId"]
