"""One client over two days of simulated time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser._transport.fetch import document_usage
from chatgpt_browser.testing import FakeChatGPT
from tests.support.scripted_site import base_urls, posts_of, refreshes_of

if TYPE_CHECKING:
    from chatgpt_browser.testing import RecordedRequest

HOUR = 3600.0
INTERVAL = 1200.0
MESSAGES = round(48 * HOUR / INTERVAL)


@pytest.mark.long
@pytest.mark.anyio
async def test_client_over_two_days_renews_tokens_and_document(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A message is sent every twenty minutes. Each must be accepted once and answered.

    The client caches an access token for two hours, but the site lets it expire after one hour. The site rotates the session
    token at each refresh. The page's document is replaced several times.
    """
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(document_usage, "_MEASURE_INTERVAL", 48)
    monkeypatch.setattr(document_usage, "_MAX_HEAP", 1)
    now, issued = 0.0, 0.0
    with FakeChatGPT(rotate_session_token=True) as server:
        first = server.session_token
        async with AsyncChatGPTAPI(
            server.session_token, **base_urls(server), access_token_ttl=2 * HOUR * 1000
        ) as api:
            session_cache = api._sender.tokens
            session_cache._clock = lambda: now
            conversation = api.get_conversation()
            for number in range(MESSAGES):
                now += INTERVAL
                if now - issued >= HOUR:
                    server.expire_access_tokens()  # the site's clock, not the client's
                    issued = now
                if number % 18 == 0:
                    conversation = api.get_conversation()
                reply = await conversation.send_message(f"m{number}", timeout_ms=60_000)
                assert reply.startswith(f'You said: "m{number}".')
            assert api.session_token == server.session_token != first
            cookies = {session_cookie_of(request) for request in refreshes_of(server.requests)}

    posts = posts_of(server.requests)
    refused = len(posts) - MESSAGES
    assert refused == 48, "each hour one message was refused because of an expired token, then sent again"
    assert len(refreshes_of(server.requests)) == 49
    assert len(cookies) == 49, "each refresh sent the session token that the previous refresh had set"
    assert caplog.messages.count("the page has a new document") >= 4
    assert server.errors == []


def session_cookie_of(request: RecordedRequest) -> str:
    return request.headers["cookie"]
