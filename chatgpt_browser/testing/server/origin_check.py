"""Refusal of requests from other web sites: a page that is open in a browser on this machine can reach a loopback port.

A page of another site may have pointed its host name to this address (the Host header shows it), or may send requests, forms or
frames to it (the headers Sec-Fetch-Site and Origin show it). Clients that are no browsers send neither of these two headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..script.responses import Answer

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .site import Site

_LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
#: The values of Sec-Fetch-Site for a request of another site's page; `none` is a request of the user.
_FOREIGN = ("cross-site", "same-site")


def refuse_foreign(site: Site, record: RecordedRequest) -> Answer | None:
    """Return the refusal of a request for another host, or from a page of another origin; None for any other request.

    A navigation that another page starts (a link, or the redirect after a sign-in) is not refused.
    """
    try:
        host = urlsplit(f"//{record.headers.get('host', '')}").hostname or ""
    except ValueError:
        return Answer.error(400, "the Host header is not valid")
    if host not in (*_LOCAL_NAMES, urlsplit(site.origin).hostname) and not host.endswith(".localhost"):
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
    """Return whether an origin is the site's, or that of the host which the request names."""
    return origin == site.origin or origin.partition("://")[2] == record.headers.get("host")
