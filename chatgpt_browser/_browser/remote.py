"""Connecting to a browser that somebody else runs: a Playwright server, or whatever speaks the DevTools protocol."""

from __future__ import annotations

import json
import logging
import math
import time
from typing import TYPE_CHECKING

from .._core.errors import BrowserError, BrowserLaunchError
from .endpoint_pool import FLEET
from .playwright_errors import connection_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser, BrowserType

    from .._core.options import Options
    from .._core.urls import BrowserURL

__all__ = ["connect"]

logger = logging.getLogger("chatgpt_browser")


async def connect(chromium: BrowserType, options: Options) -> tuple[Browser, Callable[[], None]]:
    """The least busy of the browsers that answers, and what to call when it is left.

    :raises BrowserError: none does; with several, the message tells of each.
    """
    ends_at = time.monotonic() + options.launch_timeout
    failures: dict[BrowserURL, BrowserError] = {}
    while (url := FLEET.take(options.browser_urls, failures)) is not None:
        left = len(options.browser_urls) - len(failures)
        timeout = max(0.001, (ends_at - time.monotonic()) / left)
        try:
            browser = await _connect_to(chromium, url, options, timeout)
        except BrowserError as exc:
            FLEET.fail(url)
            failures[url] = exc
            logger.warning("%s", exc)
        except BaseException:
            FLEET.leave(url)
            raise
        else:
            FLEET.answer(url)
            logger.info("connected to the browser at %s", url)
            return browser, lambda: FLEET.leave(url)
    if len(failures) == 1:
        raise next(iter(failures.values()))
    raise BrowserLaunchError("; ".join(map(str, failures.values())))


async def _connect_to(chromium: BrowserType, url: BrowserURL, options: Options, timeout: float) -> Browser:
    milliseconds = 0 if math.isinf(timeout) else timeout * 1000
    try:
        if url.is_devtools:
            return await chromium.connect_over_cdp(url.url, timeout=milliseconds)
        return await chromium.connect(url.url, timeout=milliseconds, headers=_wishes(options))
    except Exception as exc:
        raise connection_error(exc, str(url)) from None


def _wishes(options: Options) -> dict[str, str]:
    """How a Playwright server is to start the browser of this connection.

    It heeds ``args`` and ``executablePath`` only where it was started with ``--unsafe``.
    """
    wishes = {
        "headless": options.headless,
        "channel": options.channel,
        "proxy": options.proxy,
        "args": list(options.browser_args) or None,
        "executablePath": options.executable_path,
    }
    given = {name: wish for name, wish in wishes.items() if wish is not None}
    return {"x-playwright-launch-options": json.dumps(given)}
