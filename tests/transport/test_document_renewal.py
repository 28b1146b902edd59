"""A document that is worn is changed between messages, and nobody notices."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser._transport.fetch import isolated_world as world
from chatgpt_browser.testing import Gate, Reply
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from tests.support.client_fixtures import Serve
    from tests.support.scripted_site import ScriptedSite

RENEWED = "the page has a new document"


@pytest.fixture
def soon_worn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "_WEIGHED_EVERY", 8)
    monkeypatch.setattr(world, "_WORN_HEAP", 1)


@pytest.mark.usefixtures("soon_worn")
@pytest.mark.parametrize("tls", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.anyio
async def test_messages_go_on_through_new_documents(
    serve: Serve, caplog: pytest.LogCaptureFixture, tls: bool
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser._transport.fetch.isolated_world")
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    server = serve(tls=tls)
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), ignore_https_errors=True) as api:
        conversation = api.get_conversation()
        for number in range(30):
            assert (await conversation.send_message(f"m{number}", timeout_ms=10_000)).startswith(
                f'You said: "m{number}"'
            )

    assert caplog.messages.count(RENEWED) >= 3
    # No request is made for a new document, and the messages after it go as those before it went.
    assert [r.path for r in server.requests if r.method == "GET"] == ["/api/auth/session"] * 2
    posts = [r for r in server.requests if r.method == "POST"]
    assert len(posts) == 30
    assert {r.headers.get("connection") for r in posts} == {None if tls else "close"}
    assert {r.headers.get("content-length") is None for r in posts} == {tls}


@pytest.mark.parametrize(("sign", "limit"), [("_WORN_HEAP", 1), ("_WORN_SECONDS", 0.0)])
@pytest.mark.anyio
async def test_a_document_that_is_heavy_or_old(
    async_scripted_site: ScriptedSite,
    async_api: AsyncChatGPTAPI,
    sign: str,
    limit: float,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(world, "_WEIGHED_EVERY", 1)
    await async_api.send_message("before")
    before = caplog.messages.count(RENEWED)
    monkeypatch.setattr(world, sign, limit)
    await async_api.send_message("heavy, or old")
    await async_api.send_message("after")
    await async_api.start()  # waits for a new document that is on its way
    assert caplog.messages.count(RENEWED) > before


@pytest.mark.parametrize(("send_via", "renewed"), [("fetch", 0), ("auto", 2)])
@pytest.mark.parametrize(("sign", "limit"), [("_WORN_REQUESTS", 8), ("_WORN_BYTES", 20_000)])
@pytest.mark.anyio
async def test_what_has_gone_through_counts_where_playwright_watches(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    sign: str,
    limit: int,
    send_via: Any,
    renewed: int,
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(world, sign, limit)
    server = serve(reply="word " * 20)
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), send_via=send_via) as api:
        for number in range(20):
            await api.send_message(f"m{number}")

    assert caplog.messages.count(RENEWED) >= renewed
    assert bool(caplog.messages.count(RENEWED)) == bool(renewed)


@pytest.mark.anyio
async def test_a_littered_document_is_cleaned_up(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(world, "_WEIGHED_EVERY", 8)
    monkeypatch.setattr(world, "_LITTERED_HEAP", 1)
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.ensure_auth()
        page = api._browser_manager._page
        assert page is not None
        sent: list[str] = []
        send = page._target.send

        async def noting(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
            answer = await send(method, params)
            sent.append(method)
            return answer

        monkeypatch.setattr(page._target, "send", noting)
        for number in range(30):
            await api.send_message(f"m{number}")

    assert sent.count("HeapProfiler.collectGarbage") >= 2  # answered: the engine has done it
    assert caplog.messages.count(RENEWED) == 0


@pytest.mark.usefixtures("soon_worn")
@pytest.mark.anyio
async def test_a_document_with_a_reply_under_way_stays(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    gate = Gate()
    server = serve(replies=[Reply("one two three", hold_after=1, gate=gate)])
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), max_concurrent_messages=3) as api:
        async with api.stream_message("long") as stream:
            assert await anext(stream) == "one"
            await asyncio.gather(*(api.send_message(f"m{number}") for number in range(20)))
            assert caplog.messages.count(RENEWED) == 0
            gate.open()
            assert "".join([piece async for piece in stream]) == " two three"
        assert await api.send_message("after") == 'You said: "after".'

    assert caplog.messages.count(RENEWED) == 1
