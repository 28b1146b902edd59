"""Over HTTP/1.1 each request has a connection of its own, and Chromium reports no more of the network than that takes."""

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


def listen(api: AsyncChatGPTAPI) -> Counter[str]:
    """Counts the events of its page, by their names, from now on."""
    page = api._browser_manager._page
    assert page is not None
    heard: Counter[str] = Counter()

    def counting(name: str) -> Any:
        return lambda event: heard.update([name])

    for name in ("Network.requestWillBeSent", "Network.dataReceived"):
        page._target.on(name, counting(name))
    return heard


@pytest.mark.anyio
async def test_of_a_long_reply_nothing_is_reported(serve: Serve) -> None:
    gate = Gate()
    server = serve(reply=Reply(pieces=["word "] * 300, hold_after=1, gate=gate))
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.ensure_auth()
        heard = listen(api)
        at_first: list[int] = []

        def follow(text: str) -> None:
            at_first.append(heard["Network.dataReceived"])
            gate.open()

        assert await api.send_message("Hello", on_progress=follow) == "word " * 300

    assert len(at_first) == 300
    # It is reported on where it gets its header, and no further.
    assert heard["Network.requestWillBeSent"] == 1
    assert heard["Network.dataReceived"] == at_first[0] <= 2


@pytest.mark.anyio
async def test_every_message_among_many_has_a_connection_of_its_own(serve: Serve) -> None:
    server = serve(reply=PACED)
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), max_concurrent_messages=5) as api:
        replies = await asyncio.gather(*(api.send_message(f"m{number}") for number in range(40)))

    assert set(replies) == {"word " * 10}
    posts = posts_of(server.requests)
    assert len(posts) == 40
    assert {post.headers.get("connection") for post in posts} == {"close"}
