"""Two days in the life of one client, by a clock that a test moves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser._transport.fetch import isolated_world as world
from chatgpt_browser.testing import FakeChatGPT
from tests.support.scripted_site import base_urls, posts_of, refreshes_of

if TYPE_CHECKING:
    from chatgpt_browser.testing import RecordedRequest

HOUR = 3600.0
EVERY = 1200.0
MESSAGES = round(48 * HOUR / EVERY)


@pytest.mark.anyio
async def test_two_days(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A message every twenty minutes. The client keeps a token for two hours, the site lets it live for one, and rotates
    the session token at each refresh: every message is answered, and taken once, and the document is changed on the way.
    """
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(world, "_WEIGHED_EVERY", 48)
    monkeypatch.setattr(world, "_WORN_HEAP", 1)
    now, issued = 0.0, 0.0
    with FakeChatGPT(rotate_session_token=True) as server:
        first = server.session_token
        async with AsyncChatGPTAPI(
            server.session_token, **base_urls(server), access_token_ttl=2 * HOUR * 1000
        ) as api:
            keeper = api._sender.tokens
            keeper._clock = lambda: now
            conversation = api.get_conversation()
            for number in range(MESSAGES):
                now += EVERY
                if now - issued >= HOUR:
                    server.expire_access_tokens()  # by the site's clock
                    issued = now
                if number % 18 == 0:
                    conversation = api.get_conversation()
                reply = await conversation.send_message(f"m{number}", timeout_ms=10_000)
                assert reply.startswith(f'You said: "m{number}".')
            assert api.session_token == server.session_token != first
            tokens = {session_token_of(request) for request in refreshes_of(server.requests)}

    posts = posts_of(server.requests)
    refused = len(posts) - MESSAGES
    assert refused == 48, (
        "each hour one message met a token that had run out, and was sent again with another"
    )
    assert len(refreshes_of(server.requests)) == 49
    assert len(tokens) == 49, "each refresh came with the session token that the one before had left"
    assert caplog.messages.count("the page has a new document") >= 4
    assert server.errors == []


def session_token_of(request: RecordedRequest) -> str:
    return request.headers["cookie"]
