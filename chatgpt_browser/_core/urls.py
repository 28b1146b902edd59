"""Functions and types for URLs: the site's base URLs, origins, and the URLs of remote browsers."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Site:
    """The site's two base URLs. Both must have the same origin, because a page can only send requests to its own origin."""

    api_base_url: str
    backend_api_base_url: str

    @property
    def origin(self) -> str:
        """The origin of both URLs: scheme, host and port, without a trailing slash."""
        return origin_of(self.api_base_url)

    @property
    def session_url(self) -> str:
        """The URL of the session endpoint."""
        return f"{self.api_base_url}/auth/session"

    @property
    def conversation_url(self) -> str:
        """The URL for posting messages in the protocol of 2022."""
        return f"{self.backend_api_base_url}/conversation"

    @property
    def message_urls(self) -> tuple[str, str]:
        """Both URLs for posting messages: the URL of the protocol of 2022, and the URL that today's page uses."""
        return self.conversation_url, f"{self.backend_api_base_url}/f/conversation"

    def is_preparation(self, url: str) -> bool:
        """Return whether this is the URL of a request that today's page must send before it can send a message."""
        path = url.partition("?")[0]
        backend = self.backend_api_base_url
        return path.startswith(f"{backend}/sentinel/") or path in (
            self.session_url,
            f"{backend}/f/conversation/prepare",
            f"{backend}/conversation/prepare",
        )

    def moved(self, origin: str) -> Site:
        """Return a site with the same paths as this site, but with another origin."""
        here = len(self.origin)
        return Site(origin + self.api_base_url[here:], origin + self.backend_api_base_url[here:])

    @classmethod
    def checked(cls, api_base_url: object, backend_api_base_url: object) -> Site:
        """Check both URLs, remove trailing slashes, and return the site.

        :raises ValueError: a URL is not an https URL (http is allowed for loopback only), or the origins differ.
        """
        api = _checked_url("api_base_url", api_base_url)
        backend = _checked_url("backend_api_base_url", backend_api_base_url)

        if origin_of(api) != origin_of(backend):
            raise ValueError(
                "api_base_url and backend_api_base_url must have the same origin: "
                f"{origin_of(api)} and {origin_of(backend)} do not"
            )

        return cls(api, backend)


def origin_of(url: str) -> str:
    """Return the origin of a URL in a browser's format: without a default port, and with the host in lower case."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default) else "")


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address, ``localhost`` or a subdomain of ``localhost``. The name is not resolved."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _checked_url(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a URL")

    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - the property raises if the port is not a number
    except ValueError as exc:
        raise ValueError(f"{name} is not a URL: {exc}") from None

    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{name} must be an absolute http or https URL")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{name} must have no user name, query or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            f"{name} must be https: a session token is sent over http to loopback addresses only"
        )

    return origin_of(value) + parts.path.rstrip("/")


#: The names that ``browser_url`` accepts instead of a URL. Each name means a browser that runs on this machine.
BROWSER_CHANNELS = ("chrome", "msedge")


@dataclass(frozen=True)
class BrowserURL:
    """The value of ``browser_url``: the URL of a remote browser, or the name of a browser on this machine.

    The repr of a URL contains only scheme, host and port, because the rest may contain a secret.
    """

    url: str

    @property
    def is_channel(self) -> bool:
        """True if the value is the name of a browser on this machine, such as ``chrome``."""
        return self.url in BROWSER_CHANNELS

    @property
    def is_devtools(self) -> bool:
        """True if the value leads to a DevTools endpoint, False if it leads to a Playwright server.

        The names of browsers, the http(s) URLs, and the URLs that contain ``/devtools/`` lead to DevTools endpoints.
        """
        return self.is_channel or self.url.startswith("http") or "/devtools/" in self.url

    def __repr__(self) -> str:
        if self.is_channel:
            return self.url
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def is_browser_url(url: str) -> bool:
    """Return whether ``browser_url`` accepts a text: the name of a browser on this machine, or the URL of a remote browser."""
    if url in BROWSER_CHANNELS:
        return True
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss", "http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
