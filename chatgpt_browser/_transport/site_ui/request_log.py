"""A log of the page's requests, from which the text of an error quotes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .posted_body import body_of, decode_body
from .text_pieces import beginning_of

if TYPE_CHECKING:
    from ..._core.urls import Site

#: The maximum number of requests in a description.
_MAX_DESCRIBED = 8
#: A segment of a path that may be an id. A description contains an asterisk instead.
_ID = re.compile(r"(?<=/)(?:[^/]*\d[^/]*|[^/]{33,})")
#: The types of requests that may stay open while the page is idle, or whose response the page does not need.
_ENDLESS = ("EventSource", "Ping", "Media")
#: The methods of requests that send no data.
_READING = ("GET", "HEAD", "OPTIONS")


@dataclass
class _Request:
    """A request of the page, and its result."""

    method: str
    path: str
    #: True if the request prepares a message. The site does not store a message because of such a request.
    is_preparation: bool
    #: The status of the response, or the name of the network error. None until the request has a result.
    result: str | None = None


class RequestLog:
    """The page's requests to the backend since the last :meth:`clear`, and all requests in flight.

    Most methods take an event of the DevTools protocol. The result of :meth:`describe` contains no id, query or body.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        #: The requests to the backend. The key is the id of the request.
        self._requests: dict[str, _Request] = {}
        #: The requests in flight, to any address. The key is the id of the request. The value is True if the request began after
        #: the last :meth:`clear`.
        self._loading: dict[str, bool] = {}
        self._beginning = ""
        #: True if the page has sent the message's text to an address outside the backend, or data over a WebSocket.
        self._has_sent_elsewhere = False

    def clear(self, text: str = "") -> None:
        """Forget all requests. ``text`` is the message that the page is about to send."""
        self._requests.clear()
        self._loading = dict.fromkeys(self._loading, False)
        self._beginning = beginning_of(text)
        self._has_sent_elsewhere = False

    def begin(self, event: dict[str, Any]) -> None:
        """Record a request."""
        if event.get("type") not in _ENDLESS:
            self._loading[event["requestId"]] = True
        url, method = event["request"]["url"].partition("?")[0], event["request"]["method"]
        is_preparation = self._site.is_preparation(url)
        if is_preparation or url.startswith(f"{self._site.backend_api_base_url}/"):
            path = _ID.sub("*", url[len(self._site.origin) :])
            self._requests[event["requestId"]] = _Request(method, path, is_preparation)
        elif method not in _READING and self._may_contain_text(event["request"]):
            self._has_sent_elsewhere = True

    def respond(self, event: dict[str, Any]) -> None:
        """Record the response to a request."""
        self._end(event["requestId"], str(event["response"]["status"]))

    def finish(self, event: dict[str, Any]) -> None:
        """Record that the body of a response has ended."""
        self._loading.pop(event["requestId"], None)

    def fail(self, event: dict[str, Any]) -> None:
        """Record that a request has failed, unless it has a response already."""
        self._loading.pop(event["requestId"], None)
        self._end(event["requestId"], event.get("errorText", "failed"))

    def cancel(self) -> None:
        """Record that no request is in flight any more, because the page has loaded another document."""
        self._loading.clear()
        for request_id in self._requests:
            self._end(request_id, "cancelled")

    def add_socket_frame(self, event: dict[str, Any]) -> None:
        """Record that the page has sent data over a WebSocket."""
        self._has_sent_elsewhere = True

    @property
    def is_pending(self) -> bool:
        """True if a request to the backend has no result yet. The page may then be waiting for the result."""
        return any(request.result is None for request in self._requests.values())

    @property
    def is_loading(self) -> bool:
        """True if a request to any address is in flight. The page may need the response before it sends the message."""
        return bool(self._loading)

    @property
    def is_reacting(self) -> bool:
        """True if a request is in flight that began after the last :meth:`clear`. The click on Send may be its cause."""
        return any(self._loading.values())

    @property
    def may_contain_message(self) -> bool:
        """True if the page has sent data for an unknown purpose. If the site has changed its page, this could be the message."""
        return self._has_sent_elsewhere or any(
            request.method not in _READING and not request.is_preparation
            for request in self._requests.values()
        )

    def describe(self) -> str:
        """Return the newest requests and their results as one line, such as ``POST /backend-api/x 403, GET /api/y pending``."""
        newest = list(self._requests.values())[-_MAX_DESCRIBED:]
        return ", ".join(f"{each.method} {each.path} {each.result or 'pending'}" for each in newest) or "none"

    def _may_contain_text(self, request: dict[str, Any]) -> bool:
        """Return whether the body of a request contains the message, or cannot be read."""
        body = decode_body(body_of(request))
        if body is None:
            return bool(request.get("hasPostData"))
        forms = (
            self._beginning,
            json.dumps(self._beginning)[1:-1],
            json.dumps(self._beginning, ensure_ascii=False)[1:-1],
        )
        return any(form in body for form in forms)

    def _end(self, request_id: str, result: str) -> None:
        request = self._requests.get(request_id)
        if request is not None and request.result is None:
            request.result = result
