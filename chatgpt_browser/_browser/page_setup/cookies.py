"""The session cookies in a page's cookie store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..._protocol.cookies import SessionToken, is_session_cookie
from ..playwright_errors import map_playwright_errors, to_library_error

if TYPE_CHECKING:
    from ..cdp_target import Target


async def set_session_token(target: Target, token: SessionToken, origin: str) -> None:
    """Replace all session cookies of the origin by those of the token.

    :raises BrowserError: the browser did not accept the cookies.
    """
    with map_playwright_errors():
        for cookie in await _session_cookies(target, origin):
            params = {name: cookie[name] for name in ("name", "domain", "path")}
            await target.send("Network.deleteCookies", params)
    try:
        await target.send("Network.setCookies", {"cookies": token.cookies(origin)})
    except PlaywrightError as exc:
        # Raised from None: the frames of the traceback hold the values of the cookies.
        raise type(to_library_error(exc))("The browser did not accept the session cookies.") from None


async def get_session_token(target: Target, origin: str) -> SessionToken | None:
    """Return the session token that the cookie store holds for the origin, or None."""
    with map_playwright_errors():
        cookies = await _session_cookies(target, origin)
    values = {cookie["name"]: cookie["value"] for cookie in cookies}
    return SessionToken.parse(values) if values else None


async def _session_cookies(target: Target, origin: str) -> list[dict[str, Any]]:
    found = await target.send("Network.getCookies", {"urls": [f"{origin}/"]})
    return [cookie for cookie in found["cookies"] if is_session_cookie(cookie["name"])]
