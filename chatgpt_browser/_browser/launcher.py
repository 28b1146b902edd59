"""One life of a browser: found, started with a context of our own, and closed with nothing left over."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, BrowserType, CDPSession
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as PlaywrightPage

from .._core.errors import BrowserLaunchError, BrowserNotFoundError
from .cdp_target import Target
from .driver import start_driver
from .playwright_errors import (
    CLOSE_TIMEOUT,
    INSTALL_HINT,
    is_missing_executable,
    is_missing_sandbox,
    map_playwright_errors,
    milliseconds,
    suppress_close_errors,
    when_lost,
)
from .remote import connect
from .sandbox import sandbox_refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .._core.options import Options

__all__ = ["Browser"]

T = TypeVar("T")
logger = logging.getLogger("chatgpt_browser")

#: Builds without a window's code: they start twice as fast as a whole Chromium.
SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
WHOLE = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_SWEEP_INTERVAL = 0.02
_TEMPORARY_PROFILE = re.compile(r"--user-data-dir=(\S+playwright_chromiumdev_profile-\w+)")


class Browser:
    """Chromium, running, with one context that is ours, and the DevTools session that speaks to it.

    Playwright knows the context where it has to: where somebody wants to watch what is done in it, where it is a kept profile's
    own, and where a proxy asks for a password. It slows down all that goes on there (:mod:`chatgpt_browser._browser.cdp_target`).
    """

    def __init__(
        self,
        browser: PlaywrightBrowser,
        devtools: CDPSession,
        room: BrowserContext | str,
        closers: AsyncExitStack,
    ) -> None:
        self.devtools = devtools
        self.version = browser.version
        self._room = room
        self._closers = closers
        self._targets: list[Target] = []
        when_lost(browser, self._lose)

    @property
    def context(self) -> BrowserContext:
        """Our context, as Playwright knows it. Only of a browser that was started with ``watched=True``."""
        assert not isinstance(self._room, str)
        return self._room

    async def open_target(self) -> Target:
        """A page that has been nowhere yet: the one that a kept profile opens with, else a new one."""
        if isinstance(self._room, str):
            place = {"url": "about:blank", "browserContextId": self._room}
            created = await self.devtools.send("Target.createTarget", place)
            return await self._attach(created["targetId"], is_watched=False)

        blank = [page for page in self._room.pages if page.url == "about:blank"]
        return await self.target_of(blank[0] if blank else await self._room.new_page())

    async def target_of(self, page: PlaywrightPage) -> Target:
        """A page of Playwright's as a target."""
        session = await page.context.new_cdp_session(page)
        info = (await session.send("Target.getTargetInfo"))["targetInfo"]
        await session.detach()
        return await self._attach(info["targetId"], is_watched=True)

    async def _attach(self, target_id: str, *, is_watched: bool) -> Target:
        target = await Target.attach(self.devtools, target_id, is_watched=is_watched)
        self._targets.append(target)
        return target

    def _lose(self) -> None:
        for target in self._targets:
            target.end()

    @classmethod
    async def start(
        cls, options: Options, *, watched: bool = False, meanwhile: Callable[[], object] = lambda: None
    ) -> Browser:
        """Start a browser as the options say, or connect to one.

        :param watched: what is done in it is to be seen by Playwright.
        :param meanwhile: is called while the browser comes up: there is the time for it.

        :raises BrowserNotFoundError: there is none.
        :raises BrowserLaunchError: there is one and it does not start.
        """
        async with AsyncExitStack() as stack:
            playwright = await start_driver(meanwhile)
            with map_playwright_errors(launching=True):
                profile = _TemporaryProfile()
                stack.push_async_callback(profile.sweep)
                stack.push_async_callback(suppress_close_errors, playwright.stop)
                browser, kept = await _open_browser(playwright.chromium, options, stack)
                devtools = await browser.new_browser_cdp_session()
                if kept is None and not options.browser_urls:
                    profile.look_for(devtools)
                room = kept or await _open_room(browser, devtools, options, stack, watched=watched)
            logger.info("browser up: Chromium %s", browser.version, extra={"chatgpt_event": "browser_up"})
            return cls(browser, devtools, room, stack.pop_all())

    async def close(self) -> None:
        """Close the context, the browser where it is ours, and the driver, whatever state they are in."""
        closers, self._closers = self._closers, AsyncExitStack()
        await closers.aclose()


class _TemporaryProfile:
    """The folder that the driver makes for a browser and removes in the end, unless it is killed before."""

    def __init__(self) -> None:
        self._search: asyncio.Task[list[Path]] | None = None

    def look_for(self, devtools: CDPSession) -> None:
        """Learn where it is. Nobody waits for that: it takes the browser up to 0.1 s."""
        self._search = asyncio.get_running_loop().create_task(self._find(devtools))

    async def _find(self, devtools: CDPSession) -> list[Path]:
        command = (await devtools.send("SystemInfo.getInfo"))["commandLine"]
        return [Path(folder) for folder in _TEMPORARY_PROFILE.findall(command)]

    async def sweep(self) -> None:
        """Remove it where it is still there: after the driver's end. Chromium, dying, may write to it for another moment.

        Nobody announces when that is over: Chromium and its helpers were the children of a driver that has been killed.
        """
        if self._search is None:
            return
        self._search.cancel()
        await asyncio.wait([self._search])
        if self._search.cancelled() or self._search.exception() is not None:
            return

        import shutil

        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            for folder in self._search.result():
                while folder.exists():
                    shutil.rmtree(folder, ignore_errors=True)
                    await anyio.sleep(_SWEEP_INTERVAL)


async def _open_browser(
    chromium: BrowserType, options: Options, stack: AsyncExitStack
) -> tuple[PlaywrightBrowser, BrowserContext | None]:
    """The browser; and the context of a kept profile, where it was opened with one."""
    if options.user_data_dir is not None:
        context = await _open_profile(chromium, options, options.user_data_dir)
        stack.push_async_callback(suppress_close_errors, context.close)
        assert context.browser is not None, "Playwright names the browser of a profile since 1.52"
        return context.browser, context

    if options.browser_urls:
        browser, leave = await connect(chromium, options)
        stack.callback(leave)
    else:
        browser = await _launch(chromium, options)
    stack.push_async_callback(suppress_close_errors, browser.close)
    return browser, None


async def _open_room(
    browser: PlaywrightBrowser,
    devtools: CDPSession,
    options: Options,
    stack: AsyncExitStack,
    *,
    watched: bool,
) -> BrowserContext | str:
    """A context of our own: one of Playwright's, or the id of one that it does not know."""
    if watched or (options.proxy and "username" in options.proxy):
        context = await browser.new_context(**_context_settings(options))
        stack.push_async_callback(suppress_close_errors, context.close)
        return context

    # A browser that somebody else runs forgets it as soon as we are gone, however we go.
    room = await devtools.send("Target.createBrowserContext", {"disposeOnDetach": True})
    place: dict[str, str] = {"browserContextId": room["browserContextId"]}
    stack.push_async_callback(
        suppress_close_errors, functools.partial(devtools.send, "Target.disposeBrowserContext", place)
    )
    await devtools.send("Browser.setDownloadBehavior", {"behavior": "deny", **place})
    return place["browserContextId"]


def _context_settings(options: Options) -> dict[str, Any]:
    return {
        "ignore_https_errors": options.ignore_https_errors,
        "no_viewport": True,
        "accept_downloads": False,
    }


async def _launch(chromium: BrowserType, options: Options) -> PlaywrightBrowser:
    return await _first_there(chromium.launch, chromium, options, _launch_settings(options))


async def _open_profile(chromium: BrowserType, options: Options, folder: Path) -> BrowserContext:
    try:
        await anyio.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise BrowserLaunchError(f"user_data_dir is no folder that can be used: {exc}") from exc
    settings = {"user_data_dir": folder, **_launch_settings(options), **_context_settings(options)}
    return await _first_there(chromium.launch_persistent_context, chromium, options, settings)


async def _first_there(
    start: Callable[..., Awaitable[T]], chromium: BrowserType, options: Options, settings: dict[str, Any]
) -> T:
    """What ``start`` gives with the first of the choices that is installed."""
    for choice in _choices(chromium, options):
        started = await _unless_missing(start, {**settings, **choice})
        if started is not None:
            return started
    raise BrowserNotFoundError(f"no Chromium was found: {INSTALL_HINT}")


async def _unless_missing(start: Callable[..., Awaitable[T]], settings: dict[str, Any]) -> T | None:
    try:
        return await start(**settings)
    except PlaywrightError as exc:
        if is_missing_executable(exc):
            return None
        if not (settings["chromium_sandbox"] and is_missing_sandbox(exc)):
            raise
    # As a container's rules do, which no switch of the kernel's tells of.
    logger.warning("Chromium's sandbox is off: the kernel refuses it, as Chromium has found out")
    return await _unless_missing(start, {**settings, "chromium_sandbox": False})


def _launch_settings(options: Options) -> dict[str, Any]:
    if not options.headless and not _has_screen():
        raise BrowserLaunchError(
            "there is no screen to show a browser's window on: neither DISPLAY nor WAYLAND_DISPLAY is set"
        )
    refusal = sandbox_refusal()
    logger.info("Chromium's sandbox is %s", f"off: {refusal}" if refusal else "on")
    return {
        "headless": options.headless,
        "args": list(options.browser_args),
        "proxy": options.proxy,
        "timeout": milliseconds(options.launch_timeout),
        "chromium_sandbox": not refusal,
        # Ctrl-C is the caller's to see first: we close the browser when the call has ended.
        "handle_sigint": False,
        "handle_sigterm": False,
        "handle_sighup": False,
    }


def _choices(chromium: BrowserType, options: Options) -> Iterator[dict[str, Any]]:
    """What to launch, the best first; the next is tried where one isn't there."""
    import shutil  # with all the compressions that it knows: loaded while Playwright's driver comes up, not before

    if options.executable_path is not None:
        yield {"executable_path": options.executable_path}
        return
    if options.channel is not None:
        yield {"channel": options.channel}
        return

    own = Path(chromium.executable_path)
    shell = own.parents[1].parent / own.parents[1].name.replace("chromium-", "chromium_headless_shell-")
    if (shell if options.headless else own).exists():
        yield {}
    for name in SHELLS + WHOLE if options.headless else WHOLE:
        if path := shutil.which(name):
            yield {"executable_path": path}
    if own.exists():
        yield {"executable_path": str(own)}
    yield {"channel": "chrome"}


def _has_screen() -> bool:
    """Whether a window can be shown. On Linux alone may there be no screen at all."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
