"""Connections over HTTP/1.1: each request has a separate one, and Chromium reports few network events."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser.testing import Gate, Reply
from tests.support.scripted_site import base_urls, posts_of

if TYPE_CHECKING:
    from tests.support.client_fixtures import Serve

PACED = Reply(pieces=["word "] * 10, interval=5)


def count_network_events(api: AsyncChatGPTAPI) -> Counter[str]:
    """Count the network events of the client's page from now on, by name."""
    page = api._browser_manager._page
    assert page is not None
    counts: Counter[str] = Counter()

    def counter(name: str) -> Any:
        return lambda event: counts.update([name])

    for name in ("Network.requestWillBeSent", "Network.dataReceived"):
        page._target.on(name, counter(name))
    return counts


@pytest.mark.anyio
async def test_network_events_of_long_reply_stop_after_request(serve: Serve) -> None:
    gate = Gate()
    server = serve(reply=Reply(pieces=["word "] * 300, hold_after=1, gate=gate))
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.ensure_auth()
        counts = count_network_events(api)
        at_first: list[int] = []

        def follow(text: str) -> None:
            at_first.append(counts["Network.dataReceived"])
            gate.open()

        assert await api.send_message("Hello", on_progress=follow) == "word " * 300

    assert len(at_first) == 300
    # Events are reported while the extra header is added, and not after that.
    assert counts["Network.requestWillBeSent"] == 1
    assert counts["Network.dataReceived"] == at_first[0] <= 2


@pytest.mark.anyio
async def test_concurrent_messages_over_http1_close_their_connections(serve: Serve) -> None:
    server = serve(reply=PACED)
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), max_concurrent_messages=5) as api:
        replies = await asyncio.gather(*(api.send_message(f"m{number}") for number in range(40)))

    assert set(replies) == {"word " * 10}
    posts = posts_of(server.requests)
    assert len(posts) == 40
    assert {post.headers.get("connection") for post in posts} == {"close"}
