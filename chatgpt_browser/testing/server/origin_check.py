"""Refuses requests that pages of other web sites send.

If such a page is open in a browser on this machine, it can reach the fake server, because the browser can connect to the loopback
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
#: The host names of the real site. If the server replaces the real site (`public_origin`), clients use these names, and the
#: server can redirect from one name to the other. Some clients that are not browsers send one of these names in the Origin
#: header.
_SITE_NAMES = ("chat.openai.com", "chatgpt.com")
#: The values of Sec-Fetch-Site if a page of another site or origin sent the request. The value `none` is not listed, because it
#: means that the user started the request.
_FOREIGN = ("cross-site", "same-site")


def refuse_foreign(site: Site, record: RecordedRequest) -> Answer | None:
    """Return an error response if the request is for another host or from a page of another origin. Otherwise return None.

    A navigation to this server is accepted even if a page of another origin starts it (by a link, or by the redirect after a
    sign-in).
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
    """Return whether an Origin header belongs to this site.

    This is the case if the header is the site's origin, if it has the same host and port as the Host header, or if a client that
    is not a browser sends the origin of the real site.
    """
    host = origin.partition("://")[2]
    is_site = host in _SITE_NAMES and "sec-fetch-site" not in record.headers
    return origin == site.origin or is_site or host == record.headers.get("host")
