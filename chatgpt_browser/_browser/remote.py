"""Connection to a remote browser: a Playwright server, a DevTools endpoint, or the user's own browser."""

from __future__ import annotations

import functools
import json
import time
from typing import TYPE_CHECKING

import anyio

from .._core.errors import BrowserError, BrowserLaunchError
from .._core.log import logger
from .endpoint_pool import ENDPOINTS
from .playwright_errors import connection_error, milliseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Browser, BrowserType

    from .._core.options import Options
    from .._core.urls import BrowserURL


#: The time limit for the connection, as a fraction (0 to 1) of the time that is left for the start of the browser.
_SHARE = 0.95


async def connect(chromium: BrowserType, options: Options) -> tuple[Browser, Callable[[], Awaitable[None]]]:
    """Connect to the least busy browser that responds.

    :return: the browser, and a function to call after the browser object was closed. The function releases the browser in the
        pool of endpoints. If the browser belongs to the user, the client's pages are still open at this time, and the function
        closes them.
    :raises BrowserError: no browser responds; if there are several, the message contains the error of each.
    """
    # `launch_timeout` limits the whole start, which began before this call. The connection's own limit expires a little earlier:
    # then the error of the connection is raised, which is more specific than the error of the start.
    rest = min(options.launch_timeout, anyio.current_effective_deadline() - anyio.current_time())
    ends_at = time.monotonic() + rest * _SHARE
    failures: dict[BrowserURL, BrowserError] = {}
    while (url := ENDPOINTS.acquire(options.browser_urls, failures)) is not None:
        left = len(options.browser_urls) - len(failures)
        timeout = max(0.001, (ends_at - time.monotonic()) / left)
        try:
            browser, close_relay = await _connect_to(chromium, url, options, timeout)
        except BrowserError as exc:
            ENDPOINTS.report_failure(url)
            failures[url] = exc
            logger.warning("%s", exc)
        except BaseException:
            ENDPOINTS.release(url)
            raise
        else:
            ENDPOINTS.report_success(url)
            logger.info("connected to the browser at %s", url)
            return browser, functools.partial(_release, url, close_relay)
    if len(failures) == 1:
        raise next(iter(failures.values()))
    raise BrowserLaunchError(" ".join(map(str, failures.values())))


async def _connect_to(
    chromium: BrowserType, url: BrowserURL, options: Options, timeout: float
) -> tuple[Browser, Callable[[], Awaitable[None]]]:
    if url.is_channel or not options.uses_own_session:
        from .users_browser import (
            connect_to_users_browser,  # this module imports websockets, which is needed only for the user's browser
        )

        return await connect_to_users_browser(chromium, url, timeout)
    limit = milliseconds(timeout)
    try:
        if url.is_devtools:
            return await chromium.connect_over_cdp(url.url, timeout=limit), _do_nothing
        browser = await chromium.connect(url.url, timeout=limit, headers=_launch_header(options))
    except Exception as exc:
        raise connection_error(exc, str(url)) from None
    return browser, _do_nothing


async def _release(url: BrowserURL, close_relay: Callable[[], Awaitable[None]]) -> None:
    ENDPOINTS.release(url)
    await close_relay()


async def _do_nothing() -> None:
    """Do nothing. For a connection without a relay, this function is returned as ``close_relay``."""


def _launch_header(options: Options) -> dict[str, str]:
    """Return the header that contains the launch settings of the browser, for a Playwright server.

    The server accepts ``args`` and ``executablePath`` only if it was started with ``--unsafe``.
    """
    settings = {
        "headless": options.headless,
        "channel": options.channel,
        "proxy": options.proxy,
        "args": list(options.browser_args) or None,
        "executablePath": options.executable_path,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    return {"x-playwright-launch-options": json.dumps(given)}
