"""Observation of the responses with which the page loads a conversation."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Error as PlaywrightError

from chatgpt_browser._transport.site_ui.conversation_load import observe_load
from tests.support.cdp_event_source import CDPEventSource

pytestmark = pytest.mark.anyio

ORIGIN = "https://chatgpt.com"
API = f"{ORIGIN}/backend-api"
ID, NEWEST = "c-1", "m-9"
TREE = json.dumps({"mapping": {NEWEST: {}}, "conversation_id": ID})


async def is_loaded_by(
    body: str | Exception,
    *,
    url: str = f"{API}/conversation/{ID}",
    method: str = "GET",
    posted: str | None = None,
    status: int = 200,
    mime_type: str = "application/json",
    message_ids: tuple[str, ...] = (NEWEST, "m-8"),
) -> bool:
    """Return whether a request of the page with this response loads the conversation."""
    cdp = CDPEventSource()
    request: dict[str, Any] = {"method": method, "url": url, "postData": posted}
    with observe_load(cdp.session, ORIGIN, ID, message_ids) as is_loaded:
        cdp.emit("Network.requestWillBeSent", requestId="1", type="Fetch", request=request)
        response = {"status": status, "mimeType": mime_type}
        cdp.emit("Network.responseReceived", requestId="1", response=response)
        assert not is_loaded.is_set()
        cdp.emit("Network.loadingFinished", requestId="1")
        result = body if isinstance(body, Exception) else {"body": body, "base64Encoded": False}
        cdp.complete("Network.getResponseBody", result)
        for _ in range(5):
            await asyncio.sleep(0)
        found = is_loaded.is_set()
    assert cdp.listeners == []
    return found


@pytest.mark.parametrize(
    "request_of_page",
    [
        {"url": f"{API}/conversation/{ID}?a"},
        {"url": f"{API}/conversations/{ID}?num_turns=10"},
        {
            "url": f"{API}/conversations/batch",
            "method": "POST",
            "posted": json.dumps({"conversation_ids": [ID]}),
        },
        {"url": f"{ORIGIN}/another/endpoint"},
    ],
)
async def test_observe_load_newest_message_in_any_response_is_loaded(request_of_page: dict[str, Any]) -> None:
    assert await is_loaded_by(TREE, **request_of_page)


async def test_observe_load_messages_without_conversation_id_are_loaded_by_url() -> None:
    body = json.dumps({"messages": [{"id": NEWEST}]})
    assert await is_loaded_by(body, url=f"{API}/conversations/{ID}/messages")
    assert not await is_loaded_by(body, url=f"{API}/conversations/another/messages")


@pytest.mark.parametrize(
    "change",
    [
        {"status": 404},
        {"mime_type": "text/html"},
        {"url": f"https://other.example/backend-api/conversation/{ID}"},
        {"body": json.dumps({"mapping": {"m-1": {}}, "conversation_id": ID})},
        {"body": json.dumps({"items": [{"id": ID}]}), "url": f"{API}/conversations?offset=0"},
        {
            "body": json.dumps({"mapping": {NEWEST: {}}, "conversation_id": "c-2"}),
            "url": f"{API}/conversation/c-2",
        },
    ],
)
async def test_observe_load_other_response_is_not_loaded(change: dict[str, Any]) -> None:
    assert not await is_loaded_by(**{"body": TREE, **change})


async def test_observe_load_conversation_without_messages_is_loaded() -> None:
    assert await is_loaded_by(TREE, message_ids=())


async def test_observe_load_body_that_is_not_kept_is_loaded_by_url() -> None:
    error = PlaywrightError("Request content was evicted from inspector cache")
    assert await is_loaded_by(error)
    assert not await is_loaded_by(error, url=f"{API}/models")
