"""Observes the requests with which the site's page uploads files, through the DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners
from ..._core.background import BackgroundTasks
from ..._core.errors import UploadError
from ..._protocol.upload_tracker import Step, UploadTracker
from .posted_body import body_of, decode_body

if TYPE_CHECKING:
    from playwright.async_api import CDPSession
    from typing_extensions import Self

    from ..._core.urls import Site

#: Time limit in seconds within which the browser must return the body of a response.
_BODY_TIMEOUT = 5.0


class UploadObserver:
    """A context manager that observes the uploads of one page. Enter it before the files are chosen."""

    def __init__(self, cdp: CDPSession, site: Site) -> None:
        self.tracker: UploadTracker = UploadTracker(site.backend_api_base_url)
        self._cdp = cdp
        self._statuses: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self._tasks = BackgroundTasks()
        listeners = {
            "Network.requestWillBeSent": self._on_request,
            "Network.responseReceived": self._on_response,
            "Network.loadingFinished": self._on_finished,
            "Network.loadingFailed": self._on_failed,
        }
        self._remove_listeners = add_listeners(cdp, listeners)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._remove_listeners()

    @property
    def begun(self) -> int:
        """The number of uploads that the page has begun."""
        return len(self.tracker.uploads)

    async def wait_until_begun(self, count: int, timeout: float) -> bool:
        """Wait until the page has begun this number of uploads. Return False after ``timeout`` seconds."""
        with anyio.move_on_after(timeout):
            while self.begun < count:
                await self._change()
        return self.begun >= count

    async def wait_until_complete(self, count: int) -> None:
        """Wait until the page has uploaded this number of files, and the site has processed them.

        :raises UploadError: the site refused a file, or the page could not upload it.
        """
        tracker = self.tracker
        while not tracker.is_complete(count):
            now = self._clock()
            if (upload := tracker.failed(now)) is not None:
                assert upload.failure is not None
                raise UploadError(
                    f"The file {upload.name!r} was not uploaded: {upload.failure.reason}. Nothing was sent.",
                    file=upload.name,
                )
            tracker.finish_unprocessed(now)
            if tracker.is_complete(count):
                return
            deadline = tracker.next_deadline()
            with anyio.move_on_after(None if deadline is None else max(0.0, deadline - now) + 0.01):
                await self._change()

    def pending_name(self) -> str:
        """Return the name of the first file whose upload has begun but is not complete, or "" if there is no such file."""
        return next((upload.name for upload in self.tracker.uploads if not upload.is_done), "")

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _on_request(self, event: dict[str, Any]) -> None:
        request = event["request"]
        if request["method"] not in ("POST", "PUT"):
            return
        body = decode_body(body_of(request))
        self.tracker.start(event["requestId"], request["method"], request["url"], body)
        self._changed.set()

    def _on_response(self, event: dict[str, Any]) -> None:
        if self.tracker.step_of(event["requestId"]) is not None:
            self._statuses[event["requestId"]] = event["response"]["status"]

    def _on_finished(self, event: dict[str, Any]) -> None:
        if (step := self.tracker.step_of(event["requestId"])) is not None:
            self._tasks.spawn(self._finish(event["requestId"], step))

    def _on_failed(self, event: dict[str, Any]) -> None:
        request_id = event["requestId"]
        status = self._statuses.pop(request_id, 0)
        # A page need not read a response to its end. Then Chromium cancels the response, although the request has succeeded.
        # The site's report about the processing may be missing then, so the upload is treated as unconfirmed.
        step, is_canceled = self.tracker.step_of(request_id), event.get("canceled") is True
        is_enough = step is Step.STORE or (step is Step.PROCESS and is_canceled)
        succeeded = is_enough and 0 < status < 400
        self._end(request_id, status if succeeded else 0, "" if succeeded else event.get("errorText", ""))

    async def _finish(self, request_id: str, step: Step) -> None:
        status = self._statuses.pop(request_id, 0)
        # If the file storage responds without an error, the body of its response is not needed.
        body = "" if step is Step.STORE and status < 400 else await self._body_of(request_id)
        self._end(request_id, status, body)

    def _end(self, request_id: str, status: int, body: str) -> None:
        self.tracker.end(request_id, status, body, self._clock())
        self._changed.set()

    async def _body_of(self, request_id: str) -> str:
        result: dict[str, Any] = {"body": ""}
        with anyio.move_on_after(_BODY_TIMEOUT), suppress(PlaywrightError):
            result = await self._cdp.send("Network.getResponseBody", {"requestId": request_id})
        body: str = result["body"]
        return base64.b64decode(body).decode("utf-8", "replace") if result.get("base64Encoded") else body
