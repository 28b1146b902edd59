"""Refusal of requests that pages of other web sites send.

Such a page can reach the fake server if it is open in a browser on this machine, because the browser can connect to the loopback
address. There are two ways:

- DNS rebinding: the other site changes the DNS record of its host name to the loopback address. The Host header then contains
  this host name.
- The page sends requests or forms to the fake server, or loads it in a frame. The headers Sec-Fetch-Site and Origin show this.

A client that is not a browser sends neither Sec-Fetch-Site nor Origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..script.responses import Answer

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .site import Site

_LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
#: The names of the real site. The server has them if it stands in for the site (`public_origin`), and redirects between them.
#: Clients that are not browsers may send one of them as the origin.
_SITE_NAMES = ("chat.openai.com", "chatgpt.com")
#: The values of Sec-Fetch-Site if a page of another site or origin sent the request. The value
#: `none` is not listed: it means that the user started the request.
_FOREIGN = ("cross-site", "same-site")


def refuse_foreign(site: Site, record: RecordedRequest) -> Answer | None:
    """Return an error response if the request is for another host or from a page of another origin; otherwise None.

    A navigation is not refused, even if another page starts it (by a link, or by the redirect after a sign-in).
    """
    try:
        host = urlsplit(f"//{record.headers.get('host', '')}").hostname or ""
    except ValueError:
        return Answer.error(400, "the Host header is not valid")
    own = urlsplit(site.origin).hostname
    names = (*_LOCAL_NAMES, *_SITE_NAMES) if own in _SITE_NAMES else (*_LOCAL_NAMES, own)
    if host not in names and not host.endswith(".localhost"):
        return Answer.error(404, f"FakeChatGPT serves {site.origin} only")
    if _is_foreign(site, record):
        return Answer.error(403, "FakeChatGPT refuses requests from pages of other origins")
    return None


def _is_foreign(site: Site, record: RecordedRequest) -> bool:
    is_navigation = record.method == "GET" and record.headers.get("sec-fetch-dest") == "document"
    if is_navigation:
        return False
    origin = record.headers.get("origin")
    if origin is not None and origin != "null" and not _is_own(site, origin, record):
        return True
    return record.headers.get("sec-fetch-site") in _FOREIGN or (
        origin == "null" and record.method not in ("GET", "HEAD")
    )


def _is_own(site: Site, origin: str, record: RecordedRequest) -> bool:
    """Return whether `origin` is the site's own: its origin, the host and port of the Host header, or the real site's origin.

    A browser has the real site's origin only if the server stands in for the real site. Other clients may send it always.
    """
    host = origin.partition("://")[2]
    is_site = host in _SITE_NAMES and "sec-fetch-site" not in record.headers
    return origin == site.origin or is_site or host == record.headers.get("host")
