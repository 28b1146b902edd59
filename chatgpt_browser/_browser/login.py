"""Signing in: a person does it, in a window of a real browser, and the profile is kept. Nothing here fills in or presses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .._core.errors import AuthenticationError, BrowserCrashedError
from .._protocol.cookies import SessionToken, is_session_cookie
from .launcher import Browser
from .playwright_errors import map_playwright_errors

if TYPE_CHECKING:
    from .._core.options import Options

__all__ = ["sign_in"]


async def sign_in(options: Options) -> SessionToken:
    """Open the site in a window and wait until somebody has signed in there, however long that takes.

    :raises AuthenticationError: the window was closed before that.
    :raises BrowserLaunchError: there is no screen to show a window on, or the browser does not start.
    :raises BrowserNotFoundError: there is no browser with a window.
    """
    browser = await Browser.start(options, watched=True)
    try:
        return await _wait_for_session(browser, options.site.origin)
    except BrowserCrashedError as exc:
        raise _closed() from exc
    finally:
        await asyncio.shield(browser.close())


async def _wait_for_session(browser: Browser, origin: str) -> SessionToken:
    """The session token, as soon as the site has set its cookies."""
    looks: asyncio.Queue[bool] = asyncio.Queue()
    context = browser.context

    with map_playwright_errors():
        page = context.pages[0] if context.pages else await context.new_page()
        context.on("response", lambda _: looks.put_nowait(True))
        context.on("close", lambda _: looks.put_nowait(False))
        page.on("close", lambda _: looks.put_nowait(False))
        going = asyncio.ensure_future(page.goto(f"{origin}/", wait_until="commit", timeout=0))
        going.add_done_callback(lambda _: going.cancelled() or going.exception())
        try:
            while await looks.get():
                cookies = await context.cookies(f"{origin}/")
                found = {
                    cookie["name"]: cookie["value"] for cookie in cookies if is_session_cookie(cookie["name"])
                }
                token = SessionToken.parse(found)
                if token is not None:
                    return token
        finally:
            going.cancel()

    raise _closed()


def _closed() -> AuthenticationError:
    return AuthenticationError("the window was closed before anybody had signed in")
