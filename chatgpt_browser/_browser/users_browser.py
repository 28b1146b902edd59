"""Connection to a browser that belongs to the user. Over this connection, only the client's own pages are visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from websockets.exceptions import InvalidStatus, WebSocketException

from .._core.errors import BrowserError, BrowserLaunchError
from .devtools_relay import DevToolsRelay
from .playwright_errors import connection_error, milliseconds
from .running_browser import find_devtools_url, read_devtools_url, switch_on

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from playwright.async_api import Browser, BrowserType

    from .._core.urls import BrowserURL


async def connect_to_users_browser(
    chromium: BrowserType, url: BrowserURL, timeout: float
) -> tuple[Browser, Callable[[], Awaitable[None]]]:
    """Connect to the browser at a DevTools URL, or to the running browser of a channel.

    ``timeout`` is in seconds. If the browser asks the user to allow the connection, the user must answer within this time.

    :return: the browser, and a function that closes the client's pages and the connection.
    :raises BrowserLaunchError: no browser responds, or the browser does not allow the connection.
    """
    relay: DevToolsRelay | None = None
    with anyio.move_on_after(timeout):
        relay = await _open_relay(url, timeout)
    if relay is None:
        raise BrowserLaunchError(
            f"The browser at {url} did not accept the connection within {timeout:g} s. If it shows a question about remote "
            "debugging, allow it there. A browser without a window cannot show this question."
        )
    try:
        # Without `no_defaults`, Playwright would change the download folder for all pages of the browser.
        # With `is_local`, the browser itself reads the files to upload, by their paths. Otherwise, Playwright would transfer the
        # files, and it transfers at most 50 MB.
        browser = await chromium.connect_over_cdp(
            relay.url, timeout=milliseconds(timeout), no_defaults=True, is_local=url.is_channel
        )
    except PlaywrightTimeoutError:
        await relay.close()
        raise BrowserLaunchError(
            f"The browser at {url} accepted the connection, but did not respond within {timeout:g} s."
        ) from None
    except PlaywrightError as exc:
        await relay.close()
        raise connection_error(exc, str(url)) from None
    except BaseException:
        await relay.close()
        raise
    return browser, relay.close


async def _open_relay(url: BrowserURL, timeout: float) -> DevToolsRelay:
    file: Path | None = None
    try:
        if url.is_channel:
            address, file = find_devtools_url(url.url)
        elif url.url.startswith("http"):
            # The scope of the caller ends the wait after `timeout`. The thread cannot be cancelled, so it has its own limit.
            limit = None if timeout == float("inf") else timeout + 1
            address = await anyio.to_thread.run_sync(
                read_devtools_url, url.url, limit, abandon_on_cancel=True
            )
        else:
            address = url.url
        return await DevToolsRelay.open(address)
    except (OSError, ValueError, WebSocketException) as exc:
        raise _refused(url, file, exc) from None


def _refused(url: BrowserURL, file: Path | None, error: Exception) -> BrowserError:
    """Return the error for a browser that does not respond at its address. The error contains no secrets of the URL."""
    if isinstance(error, InvalidStatus):
        reason = f"status {error.response.status_code}"
    else:
        reason = getattr(error, "strerror", None) or type(error).__name__
    if file is None:
        return BrowserLaunchError(
            f"No browser responds at {url}: {reason}. If remote debugging is switched on at chrome://inspect, use "
            'browser_url="chrome" instead.'
        )
    return BrowserLaunchError(
        f"The file {file} is left from an earlier run of the browser: no browser responds at its port ({reason}). "
        f"{switch_on(url.url)}"
    )
