"""Reads and writes the session cookies in a page's cookie store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..._core.log import logger
from ..._protocol.cookies import SessionToken, is_session_cookie
from ..playwright_errors import map_playwright_errors, to_library_error

if TYPE_CHECKING:
    from ..cdp_target import Target


async def set_session_token(target: Target, token: SessionToken, origin: str) -> None:
    """Replace all session cookies of the origin by cookies that contain this token.

    :raises BrowserError: the browser did not accept the cookies.
    """
    with map_playwright_errors():
        for cookie in await _session_cookies(target, origin):
            params = {name: cookie[name] for name in ("name", "domain", "path")}
            await target.send("Network.deleteCookies", params)
    try:
        await target.send("Network.setCookies", {"cookies": token.cookies(origin)})
    except PlaywrightError as exc:
        # `from None` is used, because the traceback of the original error contains the values of the cookies.
        raise type(to_library_error(exc))("The browser did not accept the session cookies.") from None


async def get_session_token(target: Target, origin: str) -> SessionToken | None:
    """Return the session token that the cookie store contains for the origin, or None."""
    with map_playwright_errors():
        cookies = await _session_cookies(target, origin)
    values = {cookie["name"]: cookie["value"] for cookie in cookies}
    return SessionToken.parse(values) if values else None


async def copy_cookies(source: Target, destination: Target, origin: str) -> None:
    """Copy the origin's cookies from the cookie store of one page to the cookie store of another page in the same browser.

    If the browser does not accept a cookie, this cookie is skipped, and its name is logged. Without this cookie, the site may
    repeat a challenge.
    """
    with map_playwright_errors():
        found = await _cookies(source, origin)
    await asyncio.gather(*(_set_cookie(destination, cookie, origin) for cookie in found))


async def _set_cookie(target: Target, cookie: dict[str, Any], origin: str) -> None:
    try:
        await target.send("Network.setCookie", _to_argument(cookie, origin))
    except PlaywrightError:
        logger.debug("the cookie %s was not copied to the new browser context", cookie["name"])


def _to_argument(cookie: dict[str, Any], origin: str) -> dict[str, Any]:
    """Convert a cookie of ``Network.getCookies`` to the arguments of ``Network.setCookie``.

    If a cookie is valid for exactly one host, its domain has no leading dot. Such a domain is omitted from the arguments. If it
    were passed, Chromium would make the cookie valid for the subdomains too.
    """
    dropped = {"size", "session"}
    dropped |= {"expires"} if cookie["session"] else set()
    dropped |= set() if cookie["domain"].startswith(".") else {"domain"}
    argument = {name: value for name, value in cookie.items() if name not in dropped}
    return {**argument, "url": f"{origin}/"}


async def _session_cookies(target: Target, origin: str) -> list[dict[str, Any]]:
    return [cookie for cookie in await _cookies(target, origin) if is_session_cookie(cookie["name"])]


async def _cookies(target: Target, origin: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await target.send("Network.getCookies", {"urls": [f"{origin}/"]}))[
        "cookies"
    ]
    return found
