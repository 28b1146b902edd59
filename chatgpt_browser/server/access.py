"""Access control: a program on this machine needs the key, and requests of web pages are refused."""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import APIError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

#: The path that needs no key.
HEALTH_PATH = "/health"


class AccessCheck:
    """ASGI middleware that refuses requests of web pages, requests for another host name, and requests without the key.

    * The ``Host`` header must name the loopback interface. A web page can let its own host name point to this machine (DNS
      rebinding), and its requests then contain that host name.
    * A request with an ``Origin`` header is refused. If a request of a web page contains the key or a JSON body, the browser adds
      this header. Programs do not send this header.
    * Responses have no CORS headers, so that a web page cannot read them.
    """

    def __init__(self, app: ASGIApp, *, api_key: str) -> None:
        self._app = app
        self._credentials = f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it is allowed, or else respond with an error."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal.response()(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> APIError | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not is_loopback_host(hosts[0].decode("latin-1")):
            message = (
                "This server accepts requests only for localhost, 127.0.0.1 and [::1]. Check the base URL."
            )
            return APIError(403, message, code="host_not_allowed", kind="permission_error")
        if _is_from_web_page(headers):
            message = "Requests of web pages are not allowed. Send the request from a program."
            return APIError(403, message, code="origin_not_allowed", kind="permission_error")
        given = [value for name, value in headers if name == b"authorization"]
        if scope.get("path") == HEALTH_PATH or self._is_key(given):
            return None
        return APIError(
            401,
            "The key is missing or wrong. Set OPENAI_API_KEY to the key that `chatgpt-browser serve` prints.",
            code="invalid_api_key",
            headers={"www-authenticate": "Bearer"},
        )

    def _is_key(self, given: list[bytes]) -> bool:
        return len(given) == 1 and hmac.compare_digest(_normalised(given[0]), self._credentials)


def _normalised(authorization: bytes) -> bytes:
    """Return an ``Authorization`` header with the scheme written as ``Bearer``. Schemes are not case-sensitive."""
    scheme, _, key = authorization.partition(b" ")
    return b"Bearer " + key.strip() if scheme.lower() == b"bearer" else authorization


def _is_from_web_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a web page has sent the request.

    If the user has entered the URL in the browser (``Sec-Fetch-Site: none``), the result is False.
    """
    return any(
        name == b"origin" or (name == b"sec-fetch-site" and value != b"none") for name, value in headers
    )


def is_loopback_host(host: str) -> bool:
    """Return whether the value of a ``Host`` header names the loopback interface.

    A port may follow the name or address. An IPv6 address must be in brackets.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # for example an unclosed bracket
        return False
    if any(character in host for character in "/?#@\\") or not host.isprintable():
        return False
    if name.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
