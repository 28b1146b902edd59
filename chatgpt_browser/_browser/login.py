"""Login by a person in the window of a real browser, whose profile is kept. This module does not type or click anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .._core.errors import AuthenticationError, BrowserCrashedError
from .._protocol.cookies import SessionToken, is_session_cookie
from .browser import Browser
from .playwright_errors import map_playwright_errors

if TYPE_CHECKING:
    from .._core.options import Options


async def sign_in(options: Options) -> SessionToken:
    """Open the site in a window and wait, without a time limit, until a person has signed in.

    :return: the session token.
    :raises AuthenticationError: the window was closed before the person had signed in.
    :raises BrowserLaunchError: there is no screen, or the browser does not start.
    :raises BrowserNotFoundError: no browser that can show a window is installed.
    """
    browser = await Browser.start(options, watched=True)
    try:
        return await _wait_for_session(browser, options.site.origin)
    except BrowserCrashedError as exc:
        raise _closed() from exc
    finally:
        await asyncio.shield(browser.close())


async def _wait_for_session(browser: Browser, origin: str) -> SessionToken:
    """Wait until the site has set the session cookies, and return the session token that they contain."""
    #: Contains True for each response (which may have set cookies), and False after the window was closed.
    signals: asyncio.Queue[bool] = asyncio.Queue()
    context = browser.context

    with map_playwright_errors():
        page = context.pages[0] if context.pages else await context.new_page()
        context.on("response", lambda _: signals.put_nowait(True))
        context.on("close", lambda _: signals.put_nowait(False))
        page.on("close", lambda _: signals.put_nowait(False))
        navigation = asyncio.ensure_future(page.goto(f"{origin}/", wait_until="commit", timeout=0))
        navigation.add_done_callback(lambda _: navigation.cancelled() or navigation.exception())
        try:
            while await signals.get():
                cookies = await context.cookies(f"{origin}/")
                found = {
                    cookie["name"]: cookie["value"] for cookie in cookies if is_session_cookie(cookie["name"])
                }
                token = SessionToken.parse(found)
                if token is not None:
                    return token
        finally:
            navigation.cancel()

    raise _closed()


def _closed() -> AuthenticationError:
    return AuthenticationError("The window was closed before a person had signed in. Start the login again.")
