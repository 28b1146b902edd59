"""Replacement of a document that uses too much memory, between messages and without a visible effect."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser._transport.fetch import document_usage
from chatgpt_browser.testing import Gate, Reply
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.client_fixtures import Serve
    from tests.support.scripted_site import ScriptedSite

RENEWED = "the page has a new document"


@pytest.fixture
def frequent_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_usage, "_MEASURE_INTERVAL", 8)
    monkeypatch.setattr(document_usage, "_MAX_HEAP", 1)


@pytest.mark.usefixtures("frequent_renewal")
@pytest.mark.parametrize("tls", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.anyio
async def test_conversation_continues_across_document_renewals(
    serve: Serve, caplog: pytest.LogCaptureFixture, tls: bool
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    server = serve(tls=tls)
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), ignore_https_errors=True) as api:
        conversation = api.get_conversation()
        for number in range(30):
            assert (await conversation.send_message(f"m{number}", timeout_ms=60_000)).startswith(
                f'You said: "m{number}"'
            )

    assert caplog.messages.count(RENEWED) >= 3
    # A renewal sends no request, and messages after it are sent in the same way as before.
    assert [r.path for r in server.requests if r.method == "GET"] == ["/api/auth/session"] * 2
    posts = [r for r in server.requests if r.method == "POST"]
    assert len(posts) == 30
    assert {r.headers.get("connection") for r in posts} == {None if tls else "close"}
    assert {r.headers.get("content-length") is None for r in posts} == {tls}


@pytest.mark.parametrize(("constant", "limit"), [("_MAX_HEAP", 1), ("_MAX_AGE", 0.0)])
@pytest.mark.anyio
async def test_document_with_large_heap_or_high_age_is_renewed(
    async_scripted_site: ScriptedSite,
    async_api: AsyncChatGPTAPI,
    constant: str,
    limit: float,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(document_usage, "_MEASURE_INTERVAL", 1)
    await async_api.send_message("before")
    before = caplog.messages.count(RENEWED)
    monkeypatch.setattr(document_usage, constant, limit)
    await async_api.send_message("over the limit")
    await async_api.send_message("after")
    await async_api.start()  # waits for a renewal in progress
    assert caplog.messages.count(RENEWED) > before


@pytest.mark.parametrize(
    ("constant", "limit", "has_profile", "renewed"),
    [
        ("_MAX_WATCHED_REQUESTS", 8, False, 0),
        pytest.param("_MAX_WATCHED_REQUESTS", 8, True, 2, marks=pytest.mark.long),
        pytest.param("_MAX_WATCHED_BYTES", 20_000, False, 0, marks=pytest.mark.long),
        ("_MAX_WATCHED_BYTES", 20_000, True, 2),
    ],
)
@pytest.mark.anyio
async def test_request_and_byte_limits_apply_only_to_pages_of_playwright(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    constant: str,
    limit: int,
    has_profile: bool,
    renewed: int,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(document_usage, constant, limit)
    server = serve(reply="word " * 20)
    options: dict[str, Any] = base_urls(server)
    if has_profile:
        options["user_data_dir"] = tmp_path / "profile"
    async with AsyncChatGPTAPI(server.session_token, **options) as api:
        for number in range(20):
            await api.send_message(f"m{number}")

    assert caplog.messages.count(RENEWED) >= renewed
    assert bool(caplog.messages.count(RENEWED)) == bool(renewed)


@pytest.mark.anyio
async def test_heap_above_gc_threshold_is_collected(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    monkeypatch.setattr(document_usage, "_MEASURE_INTERVAL", 8)
    monkeypatch.setattr(document_usage, "_GC_THRESHOLD", 1)
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.ensure_auth()
        page = api._browser_manager._page
        assert page is not None
        sent: list[str] = []
        send = page._target.send

        async def recording(method: str, *arguments: Any, **options: Any) -> dict[str, Any]:
            answer = await send(method, *arguments, **options)
            sent.append(method)
            return answer

        monkeypatch.setattr(page._target, "send", recording)
        for number in range(30):
            await api.send_message(f"m{number}")

    assert (
        sent.count("HeapProfiler.collectGarbage") >= 2
    )  # recorded after the response: the collection has run
    assert caplog.messages.count(RENEWED) == 0


@pytest.mark.usefixtures("frequent_renewal")
@pytest.mark.anyio
async def test_document_is_not_renewed_during_reply(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
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
