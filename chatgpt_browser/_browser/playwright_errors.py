"""Converts Playwright's errors to the library's errors. Only this module inspects the text of an error."""

from __future__ import annotations

import asyncio
import inspect
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
    ProxyError,
)
from .._core.log import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from playwright.async_api import Browser


#: The maximum time, in seconds, for one attempt to close an object such as a browser.
CLOSE_TIMEOUT = 10.0

INSTALL_HINT = (
    "Run `chatgpt-browser install` (or `bash scripts/install_browsers.sh`, or `playwright install chromium`)"
)

_CERTIFICATE_HINT = (
    "Chromium does not accept the site's certificate. Check that this machine's clock is right, and that it trusts"
    " the authority that signed the certificate. For a server that you run yourself, use ignore_https_errors=True."
)

_MISSING = re.compile(r"Executable doesn't exist|distribution '[^']*' is not found|ENOENT", re.IGNORECASE)
_NO_SANDBOX = re.compile(r"No usable sandbox|Failed to move to new namespace")
_GONE = re.compile(
    r"has been closed|Connection closed|Target closed|Target crashed|Page crashed|Browser closed|Session closed"
    r"|pipe closed|frame was detached|Cannot find context|Cannot find object|Could not find object"
    r"|Failed to find browser context|Inspected target navigated or closed|No frame for given id|Execution context was destroyed"
)
_NO_DOCUMENT = re.compile(
    r"ERR_HTTP_RESPONSE_CODE_FAILURE|ERR_ABORTED|ERR_INVALID_RESPONSE|Download is starting"
)
#: An error's text is cut to this number of characters, because a remote browser or a page may send a text of any length.
_MAX_TEXT = 10_000
_REPLACED = re.compile(
    r"Execution context was destroyed|Cannot find context|not attached|is detached|JSHandle is disposed|Unable to adopt"
)
_VERSIONS = re.compile(r"server version: v([\d.]+).*?client version: v([\d.]+)", re.DOTALL)
_URL = re.compile(r"\b(?:wss?|https?)://\S+")
_NETWORK = re.compile(r"net::(ERR_\w+)")
#: Matches the origin in the text of a failed navigation. The rest of the URL may contain secrets.
_ORIGIN = re.compile(r" at (https?://[^/\s?#@]+)(?=[/\s]|$)")
#: Matches the names of Chromium's proxy errors: ``ERR_PROXY_…``, ``ERR_TUNNEL_…``, ``ERR_SOCKS_…``, ``ERR_NO_SUPPORTED_PROXIES``.
_PROXY = re.compile(r"PROX(?:Y|IES)|TUNNEL|SOCKS_")


def milliseconds(seconds: float) -> float:
    """Return a time limit in Playwright's format: in milliseconds, or 0 for no limit."""
    return 0 if math.isinf(seconds) else seconds * 1000


def is_missing_executable(error: PlaywrightError) -> bool:
    """Return whether a launch failed because the executable does not exist."""
    return _MISSING.search(error.message) is not None


def is_missing_sandbox(error: PlaywrightError) -> bool:
    """Return whether a launch failed because the kernel does not allow Chromium to create its sandbox."""
    return _NO_SANDBOX.search(error.message) is not None


def is_navigation_without_document(error: PlaywrightError) -> bool:
    """Return whether a navigation failed because its response contained no document: an empty body, no content, or a download."""
    return _NO_DOCUMENT.search(error.message) is not None


def is_interrupted(error: PlaywrightError) -> bool:
    """Return whether a navigation was cancelled because the page has started another navigation."""
    return "interrupted by another navigation" in error.message or "ERR_ABORTED" in error.message


def is_replaced(error: PlaywrightError) -> bool:
    """Return whether a call failed because the element or its document was replaced. A timeout counts as a replacement, too."""
    return isinstance(error, PlaywrightTimeoutError) or _REPLACED.search(error.message) is not None


def may_have_clicked(error: PlaywrightError) -> bool:
    """Return whether a failed click may have reached its element. The text of Playwright's error lists the steps of the click."""
    return "performing click action" in error.message


def is_transfer_limit(error: PlaywrightError) -> bool:
    """Return whether Playwright refuses to transfer files to a browser on another machine, because they are too large."""
    return "larger than 50Mb" in error.message


def network_error_name(error: ChatGPTError) -> str | None:
    """Return the name of a network error of Chromium in the message of ``error``, such as ``ERR_NAME_NOT_RESOLVED``, or None."""
    found = _NETWORK.search(str(error))
    return found[1] if found else None


def to_library_error(error: Exception, *, launching: bool = False) -> ChatGPTError:
    """Return the most specific error of the library for an error of Playwright.

    :param launching: True if the error occurred while a browser was starting.
    """
    text = _first_line(error)
    if isinstance(error, PlaywrightTimeoutError):
        if launching:
            return BrowserLaunchError(f"The browser did not start in time: {text}.")
        return ChatGPTTimeoutError("The site did not respond to the page in time.")
    if isinstance(error, PlaywrightError) and launching:
        if is_missing_executable(error):
            return BrowserNotFoundError(f"No Chromium was found. {INSTALL_HINT}.")
        return BrowserLaunchError(_launch_failure(error))
    if (network := _NETWORK.search(text)) and _PROXY.search(network[1]):
        return ProxyError(
            "ChatGPT failed to refresh auth token. Error: the proxy could not be reached, or it refused the connection "
            f"({network[0]})"
        )
    if network:
        refused = network[1].startswith("ERR_CERT_")
        advice = f". {_CERTIFICATE_HINT}" if refused else ""
        origin = _ORIGIN.search(text)
        place = f" at {origin[1]}" if origin else ""
        return APIConnectionError(
            f"ChatGPT failed to refresh auth token. Error: {network[0]}{place}{advice}", permanent=refused
        )
    if _GONE.search(text) or not isinstance(error, PlaywrightError):
        return BrowserCrashedError(f"The browser or its page has ended: {text}.")
    return BrowserError(f"The browser reported an error: {text}.")


@contextmanager
def map_playwright_errors(*, launching: bool = False) -> Iterator[None]:
    """Convert Playwright's errors within the block to the library's errors."""
    try:
        yield
    except (PlaywrightError, ConnectionError) as exc:  # ConnectionError: the pipe to the driver is closed
        raise to_library_error(exc, launching=launching) from exc


@contextmanager
def map_driver_errors() -> Iterator[None]:
    """Convert every exception within the block to a ``BrowserLaunchError`` about Playwright's driver.

    Every exception is converted, because Playwright raises a plain ``Exception`` if the driver ends at once.

    :raises BrowserLaunchError: the driver did not start.
    """
    try:
        yield
    except Exception as exc:
        raise BrowserLaunchError(f"Playwright's driver did not start: {_first_line(exc)}.") from exc


def when_lost(browser: Browser, callback: Callable[[], object]) -> None:
    """Call ``callback`` when the browser, Playwright's driver, or the connection to either has ended.

    Playwright has no event for the end of the driver: only the pending calls fail. Therefore this function uses Playwright's
    private connection object.
    """

    def lost(*_: object) -> None:
        callback()

    connection = browser._impl_obj._connection
    browser.on("disconnected", lost)
    connection.on("close", lost)
    _retrieve_transport_error(connection)


def _retrieve_transport_error(connection: Any) -> None:
    """Prevent asyncio from logging the error that Playwright's transport stores when the driver ends.

    The error is stored in a future, and asyncio logs the error of a future that no code retrieves. So a callback retrieves it.
    Older versions of Playwright store the transport in the connection. In newer versions, the transport is a variable in the
    closure of the function that sends messages.
    """
    send = connection.onmessage
    held = inspect.getclosurevars(send).nonlocals if inspect.isfunction(send) else {}
    transport = getattr(connection, "_transport", held.get("transport"))
    error = getattr(transport, "on_error_future", None)
    if isinstance(error, asyncio.Future):
        error.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


async def suppress_close_errors(close: Callable[[], Awaitable[object]]) -> None:
    """Call ``close``, and wait for at most :data:`CLOSE_TIMEOUT` seconds.

    Errors of ``close`` are only logged, because the object may have ended already.
    """
    with anyio.move_on_after(CLOSE_TIMEOUT, shield=True) as scope:
        try:
            await close()
        except (PlaywrightError, ConnectionError) as exc:
            logger.debug("closing: %s", to_library_error(exc))
    if scope.cancelled_caught:
        logger.warning("closing took more than %.0f s and was abandoned", CLOSE_TIMEOUT)


def connection_error(error: Exception, place: str) -> Exception:
    """Return the library's error for a failed connection to a remote browser.

    If ``error`` comes neither from Playwright nor from the connection, return it unchanged.

    The caller must raise the result ``from None``. Otherwise the traceback would show Playwright's text, which contains the whole
    URL, and the URL may contain a password.

    :param place: the URL without its secrets.
    """
    if not isinstance(error, (PlaywrightError, ConnectionError)):
        return error
    text = (getattr(error, "message", "") or str(error))[:_MAX_TEXT]
    if versions := _VERSIONS.search(text):
        there, here = versions.groups()
        return BrowserLaunchError(
            f"The Playwright server at {place} has version {there}, but this Playwright has version {here}. Install the same "
            f"version on both sides, for example with `pip install 'playwright=={there}.*'`."
        )
    if isinstance(error, PlaywrightTimeoutError) and "<ws connected>" in error.message:
        return BrowserLaunchError(
            f"The browser at {place} accepted the connection, but one of its tabs did not respond in time. Close or reload "
            'that tab. With browser_context="default", the client does not wait for the tabs of the browser.'
        )
    if isinstance(error, PlaywrightTimeoutError):
        return BrowserLaunchError(f"The browser at {place} did not respond in time.")
    if isinstance(error, PlaywrightError) and is_missing_executable(error):
        return BrowserNotFoundError(f"The server at {place} has no Chromium. {INSTALL_HINT} on that machine.")
    reason = _URL.sub(place, _first_line(error).partition(": ")[2]).removeprefix("WebSocket error: ")
    return BrowserLaunchError(f"No browser responds at {place}: {reason}.")


def _first_line(error: Exception) -> str:
    """Return the first line of the error's text. If the text is empty, return the name of the error's class."""
    lines = (getattr(error, "message", "") or str(error))[:_MAX_TEXT].strip().splitlines()
    return lines[0].removesuffix(".") if lines else type(error).__name__


def _launch_failure(error: PlaywrightError) -> str:
    """Return a description of a failed launch. It includes the most specific lines: the first lines of Chromium's output."""
    output = [line.strip() for line in error.message.splitlines() if "[err]" in line][:3]
    return " ".join([f"Chromium did not start: {_first_line(error)}.", *output])
