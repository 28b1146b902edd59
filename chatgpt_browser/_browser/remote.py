"""Connects to a remote browser through a Playwright server or a DevTools endpoint."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from .._core.errors import BrowserError, BrowserLaunchError
from .._core.log import logger
from .endpoint_pool import ENDPOINTS
from .playwright_errors import connection_error, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser, BrowserType

    from .._core.options import Options
    from .._core.urls import BrowserURL


async def connect(chromium: BrowserType, options: Options) -> tuple[Browser, Callable[[], None]]:
    """Connect to the least busy browser that responds.

    :return: the browser, and a function that releases the browser in the pool of endpoints.
    :raises BrowserError: no browser responds. If there are several browsers, the message contains the errors of all of them.
    """
    ends_at = time.monotonic() + options.launch_timeout
    failures: dict[BrowserURL, BrowserError] = {}
    while (url := ENDPOINTS.acquire(options.browser_urls, failures)) is not None:
        left = len(options.browser_urls) - len(failures)
        timeout = max(0.001, (ends_at - time.monotonic()) / left)
        try:
            browser = await _connect_to(chromium, url, options, timeout)
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
            return browser, lambda: ENDPOINTS.release(url)
    if len(failures) == 1:
        raise next(iter(failures.values()))
    raise BrowserLaunchError(" ".join(map(str, failures.values())))


async def _connect_to(chromium: BrowserType, url: BrowserURL, options: Options, timeout: float) -> Browser:
    limit = milliseconds(timeout)
    try:
        if url.is_devtools:
            return await chromium.connect_over_cdp(url.url, timeout=limit)
        return await chromium.connect(url.url, timeout=limit, headers=_launch_header(options))
    except Exception as exc:
        raise connection_error(exc, str(url)) from None


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
