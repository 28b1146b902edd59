"""Observation of the requests with which the site's page loads the messages of a conversation."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .cdp_listeners import add_listeners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import CDPSession


@contextmanager
def observe_load(cdp: CDPSession, url: str) -> Iterator[asyncio.Event]:
    """Yield an event that is set once the page has loaded this URL successfully. Enter the block before the page navigates.

    The query of a URL is ignored.
    """
    request_ids: set[str] = set()
    is_loaded = asyncio.Event()

    def on_request(event: dict[str, Any]) -> None:
        request = event["request"]
        if request["method"] == "GET" and request["url"].partition("?")[0] == url:
            request_ids.add(event["requestId"])

    def on_response(event: dict[str, Any]) -> None:
        if not 200 <= event["response"]["status"] < 300:
            request_ids.discard(event["requestId"])

    def on_finished(event: dict[str, Any]) -> None:
        if event["requestId"] in request_ids:
            is_loaded.set()

    listeners = {
        "Network.requestWillBeSent": on_request,
        "Network.responseReceived": on_response,
        "Network.loadingFinished": on_finished,
    }
    remove_listeners = add_listeners(cdp, listeners)
    try:
        yield is_loaded
    finally:
        remove_listeners()
