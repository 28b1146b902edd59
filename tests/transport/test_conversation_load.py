"""Observation of the page's request for a conversation."""

from __future__ import annotations

import pytest

from chatgpt_browser._transport.site_ui.navigation import observe_load
from tests.support.cdp_event_source import CDPEventSource


@pytest.mark.anyio
async def test_observe_load_only_successful_response_is_loaded() -> None:
    cdp, url = CDPEventSource(), "https://chatgpt.com/backend-api/conversation/c"
    with observe_load(cdp.session, url) as is_loaded:
        for request_id, method, where, status in (
            ("1", "GET", f"{url}?a", 404),
            ("2", "GET", f"{url}/other", 200),
            ("3", "POST", url, 200),
            ("4", "GET", f"{url}?b", 200),
        ):
            assert not is_loaded.is_set()
            cdp.emit(
                "Network.requestWillBeSent", requestId=request_id, request={"method": method, "url": where}
            )
            cdp.emit("Network.responseReceived", requestId=request_id, response={"status": status})
            cdp.emit("Network.loadingFinished", requestId=request_id)
    assert is_loaded.is_set()
    assert cdp.listeners == []
