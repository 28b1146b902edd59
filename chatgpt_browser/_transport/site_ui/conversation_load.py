"""Detects, from the responses that the site's page receives, that the page has loaded a conversation."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners
from ..._core.background import BackgroundTasks
from ..._core.log import logger
from ..._core.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.async_api import CDPSession

#: The resource types of requests that a page's scripts send.
_SCRIPTED = ("Fetch", "XHR")


@contextmanager
def observe_load(
    cdp: CDPSession, origin: str, conversation_id: str, message_ids: Sequence[str]
) -> Iterator[asyncio.Event]:
    """Yield an ``asyncio.Event`` that is set when the page has loaded the conversation.

    Enter the ``with`` block before the page navigates.

    The page can load a conversation with several kinds of requests, and new kinds may be added. So each JSON response of the
    origin is read. A response is recognized as the conversation if it meets two conditions. First, the conversation's id is in
    the request's URL, in the request's body or in the response. Second, the response contains one of ``message_ids``, the ids of
    the newest turn's messages. If ``message_ids`` is empty, the response must have the format of a conversation instead.
    """
    load = _LoadObserver(cdp, origin, conversation_id, message_ids)
    listeners = {
        "Network.requestWillBeSent": load.on_request,
        "Network.responseReceived": load.on_response,
        "Network.loadingFinished": load.on_finished,
    }
    remove_listeners = add_listeners(cdp, listeners)
    try:
        yield load.is_loaded
    finally:
        remove_listeners()


class _LoadObserver:
    def __init__(
        self, cdp: CDPSession, origin: str, conversation_id: str, message_ids: Sequence[str]
    ) -> None:
        self.is_loaded = asyncio.Event()
        self._cdp = cdp
        self._origin = origin
        self._conversation_id = conversation_id
        # The text of a response is searched for the quoted ids. This is faster than parsing the JSON of each response. It is
        # possible because the site's ids contain no characters that JSON escapes.
        self._quoted_id = json.dumps(conversation_id)
        self._quoted_messages = [json.dumps(each) for each in message_ids]
        #: Maps the id of each request to a bool: True if the request's URL or body contains the conversation's id.
        self._asks_for_it: dict[str, bool] = {}
        self._candidates: set[str] = set()
        self._tasks = BackgroundTasks(on_error=_log)

    def on_request(self, event: dict[str, Any]) -> None:
        request = event["request"]
        if event.get("type", "Fetch") in _SCRIPTED and origin_of(request["url"]) == self._origin:
            asked = request["url"] + (request.get("postData") or "")
            self._asks_for_it[event["requestId"]] = self._conversation_id in asked

    def on_response(self, event: dict[str, Any]) -> None:
        response = event["response"]
        is_json = "json" in response.get("mimeType", "")
        if event["requestId"] in self._asks_for_it and is_json and 200 <= response["status"] < 300:
            self._candidates.add(event["requestId"])

    def on_finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._candidates and not self.is_loaded.is_set():
            self._tasks.spawn(self._read(event["requestId"]))

    async def _read(self, request_id: str) -> None:
        asks_for_it = self._asks_for_it[request_id]
        try:
            result = await self._cdp.send("Network.getResponseBody", {"requestId": request_id})
        except PlaywrightError as error:
            # The browser discards a body of many megabytes, so the response with a long conversation cannot be read. If the
            # request contained the conversation's id, its response is assumed to be the conversation.
            logger.debug("a response of the site's page could not be read: %s", error)
            if asks_for_it:
                self.is_loaded.set()
            return
        body: str = result["body"]
        if result["base64Encoded"]:
            body = base64.b64decode(body).decode("utf-8", "replace")
        # If the newest turn has no message ids, the response is recognized by the format of a conversation instead.
        newest = self._quoted_messages or ['"mapping"', '"messages"']
        if (asks_for_it or self._quoted_id in body) and any(each in body for each in newest):
            self.is_loaded.set()


def _log(error: Exception) -> None:
    logger.debug("a response of the site's page could not be read: %s", error)
