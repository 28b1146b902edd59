"""Observation of the page's uploads, with a CDP session in memory."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from chatgpt_browser import UploadError
from chatgpt_browser._core.urls import Site
from chatgpt_browser._protocol import upload_tracker
from chatgpt_browser._transport.site_ui.upload_observer import UploadObserver
from tests.support.cdp_event_source import CDPEventSource

pytestmark = pytest.mark.anyio

SITE = Site("https://chatgpt.com/api", "https://chatgpt.com/backend-api")
FILES = f"{SITE.backend_api_base_url}/files"
STORAGE = "https://storage.example/files/file_1/raw"
CREATED = json.dumps({"file_id": "file_1", "upload_url": STORAGE})


class ObservedUpload:
    """An observer on an in-memory session, and the events that a browser emits for the requests of one upload."""

    def __init__(self) -> None:
        self.cdp = CDPEventSource()
        self.cdp.complete("Network.getResponseBody", {"body": CREATED, "base64Encoded": False})
        self.observer = UploadObserver(self.cdp.session, SITE)

    def request(self, name: str, url: str, method: str = "POST", **body: Any) -> None:
        """Emit a request, and the head of its response."""
        request = {"url": url, "method": method, "postData": json.dumps(body)}
        self.cdp.emit("Network.requestWillBeSent", requestId=name, request=request)
        self.cdp.emit("Network.responseReceived", requestId=name, response={"status": 200})

    async def create(self) -> None:
        """Emit the request that creates the file, and its whole response."""
        self.request("create", FILES, file_name="a.txt")
        self.cdp.emit("Network.loadingFinished", requestId="create")
        for _ in range(5):  # The body of the response is read in a task.
            await asyncio.sleep(0)
        assert self.observer.tracker.uploads[0].file_id == "file_1"

    def cancel(self, name: str, *, canceled: bool = True) -> None:
        """Emit the end of a response whose body was not read to its end."""
        self.cdp.emit(
            "Network.loadingFailed", requestId=name, errorText="net::ERR_ABORTED", canceled=canceled
        )


@pytest.fixture
async def upload(monkeypatch: pytest.MonkeyPatch) -> ObservedUpload:
    monkeypatch.setattr(upload_tracker, "FAILURE_TIME", 0.0)
    return ObservedUpload()


async def test_upload_observer_responses_that_the_page_does_not_read_complete_an_unconfirmed_upload(
    upload: ObservedUpload,
) -> None:
    await upload.create()
    upload.request("store", STORAGE, "PUT")
    upload.request("process", f"{FILES}/process_upload_stream", file_id="file_1")
    upload.cancel("store")
    assert not upload.observer.tracker.is_complete(1)
    upload.cancel("process")

    await upload.observer.wait_until_complete(1)
    assert upload.observer.tracker.unconfirmed() == ["a.txt"]


async def test_upload_observer_broken_connection_while_the_site_processes_the_file_is_a_failure(
    upload: ObservedUpload,
) -> None:
    await upload.create()
    upload.request("process", f"{FILES}/process_upload_stream", file_id="file_1")
    upload.cancel("process", canceled=False)

    with pytest.raises(UploadError, match=r"'a\.txt' was not uploaded: net::ERR_ABORTED"):
        await upload.observer.wait_until_complete(1)
