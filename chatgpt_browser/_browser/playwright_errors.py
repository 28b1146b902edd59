"""Playwright's errors as ours, in one place: no other room looks into them."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from .._core.errors import (
    APIConnectionError,
    BrowserCrashedError,
    BrowserError,
    BrowserLaunchError,
    BrowserNotFoundError,
    ChatGPTError,
    ChatGPTTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from playwright.async_api import Browser

__all__ = [
    "CLOSE_TIMEOUT",
    "INSTALL_HINT",
    "connection_error",
    "is_missing_executable",
    "is_missing_sandbox",
    "map_driver_errors",
    "map_playwright_errors",
    "to_library_error",
    "milliseconds",
    "suppress_close_errors",
    "shows_nothing",
    "when_lost",
]

logger = logging.getLogger("chatgpt_browser")

#: How long (in seconds) something may take to close.
CLOSE_TIMEOUT = 10.0

INSTALL_HINT = (
    "run `chatgpt-browser install` (or `bash scripts/install_browsers.sh`, or `playwright install chromium`)"
)

_CERTIFICATE_HINT = (
    "Chromium does not take the site's certificate: see that this machine's clock is right and that it trusts the authority"
    " that signed it; for a server of your own, there is ignore_https_errors=True"
)

_MISSING = re.compile(r"Executable doesn't exist|distribution '[^']*' is not found|ENOENT", re.IGNORECASE)
_NO_SANDBOX = re.compile(r"No usable sandbox|Failed to move to new namespace")
_GONE = re.compile(
    r"has been closed|Connection closed|Target closed|Target crashed|Page crashed|Browser closed|Session closed"
    r"|pipe closed|frame was detached|Cannot find context|Cannot find object|Could not find object"
    r"|Failed to find browser context|Inspected target navigated or closed|No frame for given id|Execution context was destroyed"
)
_NOTHING_SHOWN = re.compile(
    r"ERR_HTTP_RESPONSE_CODE_FAILURE|ERR_ABORTED|ERR_INVALID_RESPONSE|Download is starting"
)
_VERSIONS = re.compile(r"server version: v([\d.]+).*?client version: v([\d.]+)", re.DOTALL)
_URL = re.compile(r"\b(?:wss?|https?)://\S+")
_NETWORK = re.compile(r"net::(ERR_\w+)")


def milliseconds(seconds: float) -> float:
    """A time as Playwright takes it: milliseconds, 0 for no limit."""
    return 0 if math.isinf(seconds) else seconds * 1000


def is_missing_executable(error: PlaywrightError) -> bool:
    """Whether a launch failed for want of a browser."""
    return _MISSING.search(error.message) is not None


def is_missing_sandbox(error: PlaywrightError) -> bool:
    """Whether a launch failed because Chromium found nothing to make its sandbox of."""
    return _NO_SANDBOX.search(error.message) is not None


def shows_nothing(error: PlaywrightError) -> bool:
    """Whether a navigation ended in an answer without a document: an empty body, no content, a file to keep."""
    return _NOTHING_SHOWN.search(error.message) is not None


def is_interrupted(error: PlaywrightError) -> bool:
    """Whether a navigation came to nothing since the page began another by itself."""
    return "interrupted by another navigation" in error.message or "ERR_ABORTED" in error.message


def to_library_error(error: Exception, *, launching: bool = False) -> ChatGPTError:
    """Our error for one of Playwright's; the most specific that fits."""
    text = _first_line(error)
    if isinstance(error, PlaywrightTimeoutError):
        kind = "the browser did not start" if launching else "the site did not answer the page"
        return (
            BrowserLaunchError(f"{kind} in time: {text}")
            if launching
            else ChatGPTTimeoutError(f"{kind} in time")
        )
    if isinstance(error, PlaywrightError) and launching:
        missing = is_missing_executable(error)
        return (
            BrowserNotFoundError(f"no Chromium: {INSTALL_HINT}")
            if missing
            else BrowserLaunchError(_log_of(error))
        )
    if network := _NETWORK.search(text):
        refused = network[1].startswith("ERR_CERT_")
        advice = f". {_CERTIFICATE_HINT}" if refused else ""
        return APIConnectionError(
            f"ChatGPT failed to refresh auth token. Error: {network[0]}{advice}", permanent=refused
        )
    if _GONE.search(text) or not isinstance(error, PlaywrightError):
        return BrowserCrashedError(f"the browser went away: {text}")
    return BrowserError(text)


@contextmanager
def map_playwright_errors(*, launching: bool = False) -> Iterator[None]:
    """Turn what Playwright raises within the block into our errors."""
    try:
        yield
    except PlaywrightError as exc:
        raise to_library_error(exc, launching=launching) from exc
    except ConnectionError as exc:  # the pipe to Playwright's driver
        raise to_library_error(exc, launching=launching) from exc


@contextmanager
def map_driver_errors() -> Iterator[None]:
    """Turn whatever the start of Playwright's driver fails with into ours: a driver that ends at once is a bare Exception."""
    try:
        yield
    except Exception as exc:
        raise BrowserLaunchError(f"Playwright's driver did not start: {_first_line(exc)}") from exc


def when_lost(browser: Browser, callback: Callable[[], object]) -> None:
    """Call back when the browser has gone, or Playwright's driver has, or the way to either.

    Of its driver's end Playwright tells those alone who wait for an answer: there is no event for it. So this looks at the
    connection itself.
    """

    def lost(*_: object) -> None:
        callback()

    connection = browser._impl_obj._connection
    browser.on("disconnected", lost)
    connection.on("close", lost)
    _hear_out(connection)


def _hear_out(connection: Any) -> None:
    """Ask for the error that the driver's end leaves with Playwright's transport: where nobody does, asyncio logs it as one that
    was never retrieved. Only the function that sends has a hold of the transport, or in older versions the connection has.
    """
    send = connection.onmessage
    held = inspect.getclosurevars(send).nonlocals if inspect.isfunction(send) else {}
    transport = getattr(connection, "_transport", held.get("transport"))
    error = getattr(transport, "on_error_future", None)
    if isinstance(error, asyncio.Future):
        error.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


async def suppress_close_errors(close: Callable[[], Awaitable[object]]) -> None:
    """Close something that may be dead already: nobody waits for what it has to say."""
    with anyio.move_on_after(CLOSE_TIMEOUT, shield=True) as scope:
        try:
            await close()
        except (PlaywrightError, ConnectionError) as exc:
            logger.debug("closing: %s", to_library_error(exc))
    if scope.cancelled_caught:
        logger.warning("closing took more than %.0f s and was given up", CLOSE_TIMEOUT)


def connection_error(error: Exception, place: str) -> Exception:
    """Our error for one of Playwright's while it connected to a browser elsewhere; any other as it is.

    To be raised from None: Playwright's own text holds the whole URL, and that may hold a password.
    """
    if not isinstance(error, (PlaywrightError, ConnectionError)):
        return error
    text = getattr(error, "message", "") or str(error)
    if versions := _VERSIONS.search(text):
        there, here = versions.groups()
        return BrowserLaunchError(
            f"the Playwright server at {place} is of version {there}, and Playwright here of {here}: install the same on both "
            f"sides, as by `pip install 'playwright=={there}.*'`"
        )
    if isinstance(error, PlaywrightTimeoutError):
        return BrowserLaunchError(f"the browser at {place} did not answer in time")
    if isinstance(error, PlaywrightError) and is_missing_executable(error):
        return BrowserNotFoundError(f"the server at {place} has no Chromium: there, {INSTALL_HINT}")
    reason = _URL.sub(place, _first_line(error).partition(": ")[2]).removeprefix("WebSocket error: ")
    return BrowserLaunchError(f"no browser answers at {place}: {reason}")


def _first_line(error: Exception) -> str:
    lines = (getattr(error, "message", "") or str(error) or type(error).__name__).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _log_of(error: PlaywrightError) -> str:
    """The first lines that Chromium itself wrote, which tell more than Playwright's headline."""
    wrote = [line.strip() for line in error.message.splitlines() if "[err]" in line][:3]
    return " ".join([f"Chromium did not start: {_first_line(error)}", *wrote])
