"""Observes the requests with which the site's page prepares a message. They fetch the session and tokens that the page needs.

If the site refuses such a request, the page does not send the message. The page may show a notice, or nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners, read_head
from ..._core.background import BackgroundTasks
from ..._core.errors import ChatGPTError, SessionExpiredError
from ..._core.models import Head, Response
from ..._protocol.error_responses import is_challenge, status_error
from ..._protocol.site_json import parse_json_or_none
from .request_log import RequestLog

if TYPE_CHECKING:
    from playwright.async_api import CDPSession
    from typing_extensions import Self

    from ..._core.urls import Site

#: Seconds after which a refusal becomes an error, unless the page repeats the request or sends the message within this time.
_RETRY_TIME = 1.5
#: Seconds after which a challenge becomes an error. A longer wait is useless: the page's scripts cannot pass a challenge, and the
#: client passes it in another page.
_CHALLENGE_RETRY_TIME = 0.5
#: Seconds after which a server error is raised as an error. This time is long, because pages repeat a request only some seconds
#: after a server error. It is also the time in which the page must send the message after a successful repetition of a refused
#: request.
_LONG_RETRY_TIME = 10.0
#: Time limit in seconds for reading the body of a refusal. If the page does not read a body, the body may never end.
_BODY_TIMEOUT = 1.0

_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY_REQUESTS, _FIRST_SERVER_ERROR = 401, 403, 429, 500


@dataclass(frozen=True)
class _Refusal:
    """A response with which the site refuses a preparation request."""

    request_id: str
    head: Head
    #: True if the session endpoint responded without a session, or with 401.
    is_signed_out: bool = False
    #: True if the page has repeated the request with success. The page should then send the message.
    is_repeated: bool = False

    @property
    def retry_time(self) -> float:
        """The number of seconds in which the page may repeat the request. After that, the refusal becomes an error."""
        if self.is_repeated:
            return _LONG_RETRY_TIME
        if is_challenge(self.head):
            return _CHALLENGE_RETRY_TIME
        return _LONG_RETRY_TIME if self.head.status >= _FIRST_SERVER_ERROR else _RETRY_TIME


class PreparationObserver:
    """A context manager that observes the preparation requests for one message. It is entered before the page is opened.

    After the click on the send button, a refusal becomes an error unless the page sends the message in time. If the page repeats
    the refused request with success, it gets more time to send the message.
    """

    def __init__(self, cdp: CDPSession, site: Site) -> None:
        self._cdp = cdp
        self._site = site
        #: The page's requests. :class:`.Submission` clears this log directly before the first click on the send button.
        self.requests: RequestLog = RequestLog(site)
        #: The URL of each preparation request. The key is the id of the request.
        self._urls: dict[str, str] = {}
        #: The ids of the preparation requests that have not ended.
        self._pending: set[str] = set()
        #: The refusal of each URL. The newest refusal is the last item.
        self._refusals: dict[str, _Refusal] = {}
        self._changed = asyncio.Event()
        self._tasks = BackgroundTasks()
        listeners = {
            "Network.requestWillBeSent": self._on_request,
            "Network.responseReceived": self._on_response,
            "Network.loadingFinished": self._on_finished,
            "Network.loadingFailed": self._on_failed,
            "Network.webSocketFrameSent": self.requests.add_socket_frame,
            "Page.frameNavigated": self._on_navigated,
        }
        self._remove_listeners = add_listeners(cdp, listeners)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._remove_listeners()

    @property
    def is_pending(self) -> bool:
        """True if the page may be waiting for a response before it sends the message.

        The awaited response belongs to a preparation request, or to a backend request after the first click on the send button.
        """
        return bool(self._pending) or self.requests.is_pending

    async def wait_until_refused(self) -> ChatGPTError:
        """Wait until the site has refused a request and the page has not reacted in time. Return the error for the refusal.

        Call this after the send button was clicked.
        """
        self._refusals = {url: each for url, each in self._refusals.items() if not each.is_repeated}
        while True:
            while not self._refusals or self._pending:
                await self._change()
            refusal = self._newest
            assert refusal is not None
            with anyio.move_on_after(refusal.retry_time) as scope:
                await self._change()
            if scope.cancelled_caught:
                return await self._error_of(refusal)

    async def error(self) -> ChatGPTError | None:
        """Return the error for the newest refusal, which is probably the reason why the page did not send the message.

        Return None if there is no refusal, or if the page has repeated the refused request with success.
        """
        refusal = self._newest
        return None if refusal is None or refusal.is_repeated else await self._error_of(refusal)

    async def _error_of(self, refusal: _Refusal) -> ChatGPTError:
        """Return the error for a refusal. Its class is the same as if the site had refused the message itself."""
        if refusal.is_signed_out:
            return SessionExpiredError(
                "The site's page has no session any more, so it cannot send a message. Nothing was sent. "
                "Sign in again and use the new session token."
            )
        error = status_error(Response(refusal.head, await self._body_of(refusal.request_id)))
        error.args = (f"{error} (The site refused the page's preparation of the message. Nothing was sent.)",)
        return error

    @property
    def _newest(self) -> _Refusal | None:
        return next(reversed(self._refusals.values()), None)

    async def _change(self) -> None:
        """Wait until a preparation request begins or ends."""
        self._changed.clear()
        await self._changed.wait()

    def _on_request(self, event: dict[str, Any]) -> None:
        self.requests.begin(event)
        url = event["request"]["url"]
        if self._site.is_preparation(url):
            self._urls[event["requestId"]] = url.partition("?")[0]
            self._pending.add(event["requestId"])
            self._changed.set()

    def _on_response(self, event: dict[str, Any]) -> None:
        self.requests.respond(event)
        request_id = event["requestId"]
        if (url := self._urls.get(request_id)) is None:
            return
        head = read_head(event["response"])
        if _is_refusal(head):
            self._add(url, self._refusal(url, request_id, head))
        elif head.ok and url in self._refusals:
            self._refusals[url] = replace(self._refusals[url], is_repeated=True)
        if not head.ok or url != self._site.session_url:
            self._end(request_id)

    def _on_finished(self, event: dict[str, Any]) -> None:
        self.requests.finish(event)
        request_id = event["requestId"]
        if request_id in self._pending:
            self._tasks.spawn(self._check_session(request_id))

    def _on_failed(self, event: dict[str, Any]) -> None:
        self.requests.fail(event)
        self._end(event["requestId"])

    def _on_navigated(self, event: dict[str, Any]) -> None:
        """After the main frame has navigated, forget the requests in flight, because the browser may not report their end."""
        if "parentId" not in event["frame"]:
            self.requests.cancel()
            self._pending.clear()
            self._changed.set()

    async def _check_session(self, request_id: str) -> None:
        if await self._is_signed_out(request_id):
            self._add(self._urls[request_id], _Refusal(request_id, Head(200), is_signed_out=True))
        self._end(request_id)

    def _refusal(self, url: str, request_id: str, head: Head) -> _Refusal:
        """Return the refusal in a response.

        Without a session, the page gets a 401 for other requests. So if the site has refused the request for the session before,
        return that refusal for a 401.
        """
        is_unauthorized = head.status == _UNAUTHORIZED
        session = self._refusals.get(self._site.session_url)
        if is_unauthorized and session is not None and not session.is_repeated:
            return session
        return _Refusal(request_id, head, is_unauthorized and url == self._site.session_url)

    def _add(self, url: str, refusal: _Refusal) -> None:
        self._refusals.pop(url, None)
        self._refusals[url] = refusal

    def _end(self, request_id: str) -> None:
        if request_id in self._pending:
            self._pending.discard(request_id)
            self._changed.set()

    async def _is_signed_out(self, request_id: str) -> bool:
        """Return whether a response of the session endpoint contains no session."""
        body = await self._body_of(request_id)
        session = parse_json_or_none(body)
        return body.strip() in ("{}", "null") or (isinstance(session, dict) and "error" in session)

    async def _body_of(self, request_id: str) -> str:
        """Return the body of a response, or "" if the browser cannot return the body."""
        body: dict[str, Any] = {"body": ""}
        with anyio.move_on_after(_BODY_TIMEOUT), suppress(PlaywrightError):
            body = await self._cdp.send("Network.getResponseBody", {"requestId": request_id})
        return "" if body.get("base64Encoded") else str(body["body"])


def _is_refusal(head: Head) -> bool:
    is_error = head.status in (_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY_REQUESTS)
    return is_error or head.status >= _FIRST_SERVER_ERROR or is_challenge(head)
