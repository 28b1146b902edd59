"""Observation of the requests with which the site's page prepares to send a message: its session and its tokens.

If the site refuses one of them, the page never sends the message, and shows at most a notice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners, read_head
from ..._core.background import BackgroundTasks
from ..._core.errors import ChatGPTError, SessionExpiredError
from ..._core.models import Head, Response
from ..._protocol.error_responses import is_challenge, parse_json, status_error

if TYPE_CHECKING:
    from playwright.async_api import CDPSession
    from typing_extensions import Self

    from ..._core.urls import Site

#: Seconds in which the page may repeat a refused request, or send the message without it, before the refusal counts.
_RETRY_TIME = 1.5
#: The same for a failure of the server. Pages repeat such a request after some seconds.
_FAILURE_RETRY_TIME = 10.0

_FORBIDDEN, _TOO_MANY_REQUESTS, _FIRST_SERVER_ERROR = 403, 429, 500


@dataclass(frozen=True)
class _Refusal:
    """A response that refuses a request."""

    request_id: str
    head: Head
    #: True if the session endpoint responded without a session.
    is_signed_out: bool = False

    @property
    def retry_time(self) -> float:
        """The seconds until the refusal counts."""
        is_failure = self.head.status >= _FIRST_SERVER_ERROR and not is_challenge(self.head)
        return _FAILURE_RETRY_TIME if is_failure else _RETRY_TIME


class PreparationObserver:
    """Observes the preparation of one message, from the time at which the page is opened. A context manager.

    A refusal is forgotten if the page repeats the request with success.
    """

    def __init__(self, cdp: CDPSession, site: Site) -> None:
        self._cdp = cdp
        self._site = site
        #: The requests without a complete response: their URLs by id.
        self._pending: dict[str, str] = {}
        self._heads: dict[str, Head] = {}
        #: The refusals by URL; the newest is the last one.
        self._refusals: dict[str, _Refusal] = {}
        self._changed = asyncio.Event()
        self._tasks = BackgroundTasks()
        listeners = {
            "Network.requestWillBeSent": self._on_request,
            "Network.responseReceived": self._on_response,
            "Network.loadingFinished": self._on_ended,
            "Network.loadingFailed": self._on_ended,
        }
        self._remove_listeners = add_listeners(cdp, listeners)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._remove_listeners()

    async def wait_until_refused(self) -> ChatGPTError:
        """Wait until the site has refused a request and the page does not repeat it. Return the error for the refusal."""
        while True:
            while not self._refusals or self._pending:
                await self._change()
            refusal = self._newest
            assert refusal is not None
            with anyio.move_on_after(refusal.retry_time) as scope:
                await self._change()
            if scope.cancelled_caught and (error := await self.error()) is not None:
                return error

    async def error(self) -> ChatGPTError | None:
        """Return the error for the newest refusal: the error for the same response to a message. None if there is none."""
        refusal = self._newest
        if refusal is None:
            return None
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
        """Wait until one of the requests begins or ends."""
        self._changed.clear()
        await self._changed.wait()

    def _on_request(self, event: dict[str, Any]) -> None:
        url = event["request"]["url"]
        if self._site.is_preparation(url):
            self._pending[event["requestId"]] = url.partition("?")[0]
            self._changed.set()

    def _on_response(self, event: dict[str, Any]) -> None:
        request_id = event["requestId"]
        if request_id in self._pending:
            self._heads[request_id] = read_head(event["response"])

    def _on_ended(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._pending:
            self._tasks.spawn(self._read_response(event["requestId"]))

    async def _read_response(self, request_id: str) -> None:
        url, head = self._pending[request_id], self._heads.pop(request_id, None)
        if head is not None:
            is_signed_out = (
                head.ok and url == self._site.session_url and await self._is_signed_out(request_id)
            )
            self._refusals.pop(url, None)
            if is_signed_out or _is_refusal(head):
                self._refusals[url] = _Refusal(request_id, head, is_signed_out)
        self._pending.pop(request_id, None)
        self._changed.set()

    async def _is_signed_out(self, request_id: str) -> bool:
        """Return whether a response of the session endpoint contains no session."""
        body = await self._body_of(request_id)
        session = parse_json(body)
        return body.strip() in ("{}", "null") or (isinstance(session, dict) and "error" in session)

    async def _body_of(self, request_id: str) -> str:
        """Return the body of a response; "" if the browser does not have it (any more)."""
        try:
            body = await self._cdp.send("Network.getResponseBody", {"requestId": request_id})
        except PlaywrightError:
            return ""
        return "" if body["base64Encoded"] else str(body["body"])


def _is_refusal(head: Head) -> bool:
    is_error = head.status in (_FORBIDDEN, _TOO_MANY_REQUESTS) or head.status >= _FIRST_SERVER_ERROR
    return is_error or is_challenge(head)
