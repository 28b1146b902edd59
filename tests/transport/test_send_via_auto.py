"""Messages with ``send_via="auto"``: fetch until the site requires its own page, then the page, in the same browser."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from chatgpt_browser import AsyncChatGPTAPI, ClientClosedError, UnusualActivityError
from chatgpt_browser._browser.cdp_target import GONE
from chatgpt_browser._core.page_only_origins import PAGE_ONLY_ORIGINS
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from chatgpt_browser._browser.browser import Browser
    from tests.support.client_fixtures import Connect, Serve


def browser_of(api: AsyncChatGPTAPI) -> Browser:
    browser = api._browser_manager._browser
    assert browser is not None
    return browser


def paths_of(server: FakeChatGPT) -> list[str]:
    """Return the paths of the messages that the server received."""
    paths = [request.path for request in server.requests if request.method == "POST"]
    return [path for path in paths if path.endswith("/conversation")]


async def pages_of(api: AsyncChatGPTAPI) -> list[str]:
    """Return the URLs of the browser's pages."""
    targets = (await browser_of(api).devtools.send("Target.getTargets"))["targetInfos"]
    return [target["url"] for target in targets if target["type"] == "page"]


async def context_of(api: AsyncChatGPTAPI) -> None:
    """Open the context that site pages need."""

    async def work(context: Any, identity: Any) -> None:
        await context.cookies()

    await api._browser_manager.run_in_context(work)


@pytest.mark.anyio
async def test_auto_until_it_switches_uses_an_unwatched_browser(serve: Serve) -> None:
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.send_message("Hello")
        assert not browser_of(api).is_watched


@pytest.mark.anyio
async def test_auto_switches_in_the_same_browser_with_one_cookie_store(serve: Serve) -> None:
    server = serve(form="app", rotate_session_token=True)
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server), access_token_ttl=0) as api:
        await api.ensure_auth()
        browser, former = browser_of(api), api._browser_manager._page
        conversation = api.get_conversation()
        for text in ("One", "Two", "Three"):
            assert text in await conversation.send_message(text)
            await api.list_conversations()
            assert api.session_token == server.session_token
        assert browser_of(api) is browser and browser.is_watched
        assert former is not None and former.dead is not None
        assert len(await pages_of(api)) == 2  # the fetch page and the site page
    assert paths_of(server) == ["/backend-api/conversation", *["/backend-api/f/conversation"] * 3]


@pytest.mark.anyio
async def test_auto_remembers_the_origin_for_later_clients_and_processes(serve: Serve) -> None:
    server = serve(form="app")
    for number in range(3):
        async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
            assert await api.send_message("Hello")
            assert browser_of(api).is_watched
        if number == 1:
            PAGE_ONLY_ORIGINS._refused_at.clear()  # as in another process, which reads the file
    assert paths_of(server) == ["/backend-api/conversation", *["/backend-api/f/conversation"] * 3]


@pytest.mark.anyio
async def test_auto_concurrent_refused_messages_are_each_sent_once(serve: Serve) -> None:
    server = serve(form="app")
    options: dict[str, Any] = base_urls(server) | {"max_concurrent_messages": 3}
    async with AsyncChatGPTAPI(server.session_token, **options) as api:
        texts = [f"message {number}" for number in range(3)]
        replies = await asyncio.gather(*map(api.send_message, texts))
        assert sorted(replies) == [f'You said: "{text}".' for text in texts]
        assert sum(url.startswith(server.origin) for url in await pages_of(api)) == 4
    assert paths_of(server).count("/backend-api/f/conversation") == 3


@pytest.mark.anyio
async def test_auto_refused_by_both_ways_raises_one_error(serve: Serve) -> None:
    server = serve(form="app")
    server.inject("unusual-activity", times=None, path="/f/conversation")
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        with pytest.raises(UnusualActivityError, match="its own page sent it") as caught:
            await api.send_message("Hello")
    assert caught.value.__context__ is None
    assert len(paths_of(server)) == 2


@pytest.mark.anyio
async def test_auto_other_refused_request_does_not_switch(serve: Serve) -> None:
    """Only a refused message shows that the site requires its own page."""
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        conversation = api.get_conversation()
        await conversation.send_message("Hello")
        server.inject("unusual-activity", path=f"/conversation/{conversation.conversation_id}")
        with pytest.raises(UnusualActivityError) as caught:
            await api.send_message("Again", conversation_id=conversation.conversation_id)
        assert not api._browser_manager.needs_site_page
        assert "own page" not in str(caught.value)
        assert await api.send_message("Again", conversation_id=conversation.conversation_id)
    assert len(paths_of(server)) == 2


@pytest.mark.anyio
async def test_auto_passed_challenge_is_kept_by_the_new_context(serve: Serve) -> None:
    server = serve(form="app")
    server.strike_challenge("passes")
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        assert await api.send_message("Hello")
        refused = [
            request for request in server.requests if request.status == 403 and request.method == "GET"
        ]
        assert len(refused) == 1  # the challenge at the start


@pytest.mark.anyio
async def test_context_change_lets_requests_in_flight_continue(serve: Serve) -> None:
    gate = Gate()
    server = serve(reply=Reply(pieces=["One", " two"], hold_after=1, gate=gate))
    options: dict[str, Any] = base_urls(server) | {"max_concurrent_messages": 2}
    async with AsyncChatGPTAPI(server.session_token, **options) as api:
        async with api.stream_message("Count") as stream:
            assert await anext(stream) == "One"
            await context_of(api)
            former = api._browser_manager._former_page
            assert former is not None and former.dead is None
            is_gone = asyncio.Event()
            former._target.on(GONE, lambda _: is_gone.set())
            gate.open()
            assert "".join([piece async for piece in stream]) == " two"
        with anyio.fail_after(20):
            # The page is closed when its request has ended, which may be later than the last event of the reply.
            await is_gone.wait()
            await asyncio.gather(*former._closing._tasks)
        assert len(await pages_of(api)) == 1
        assert await api.send_message("Again") == "One two"


@pytest.mark.anyio
async def test_close_after_context_change_ends_requests_of_both_pages(serve: Serve) -> None:
    server = serve(reply=Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    options: dict[str, Any] = base_urls(server) | {"max_concurrent_messages": 2}
    async with AsyncChatGPTAPI(server.session_token, **options) as api:
        async with api.stream_message("Count") as stream:
            assert await anext(stream) == "One"
            await context_of(api)
            rest: Awaitable[str] = asyncio.ensure_future(anext(stream))
            await api.close()
            with pytest.raises(ClientClosedError):
                await rest


@pytest.mark.anyio
async def test_context_change_that_fails_leaves_the_previous_context(serve: Serve) -> None:
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.send_message("Hello")
        server.inject("stall-before-head", path="/auth/session")
        options = api._sender.options
        limit = options.first_byte_timeout
        object.__setattr__(options, "first_byte_timeout", 2.0)
        with pytest.raises(Exception, match="did not respond"):
            await context_of(api)
        object.__setattr__(options, "first_byte_timeout", limit)
        assert not browser_of(api).is_watched
        assert await api.send_message("Hello") == 'You said: "Hello".'
        await context_of(api)
        assert browser_of(api).is_watched


@pytest.mark.anyio
async def test_context_change_is_complete_before_a_page_is_opened_in_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.send_message("Hello")
        manager, has_begun, may_end = api._browser_manager, asyncio.Event(), asyncio.Event()
        set_session_token = manager._set_session_token

        async def take_context(context: Any, identity: Any) -> Any:
            return context

        async def hold(page: Any) -> None:
            has_begun.set()
            await may_end.wait()
            await set_session_token(page)

        monkeypatch.setattr(manager, "_set_session_token", hold)
        first = asyncio.ensure_future(manager.run_in_context(take_context))
        await has_begun.wait()
        second = asyncio.ensure_future(manager.run_in_context(take_context))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not second.done()  # the new context has no session cookie yet
        may_end.set()
        assert await first is await second


def test_constructor_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    calls: list[str] = []
    monkeypatch.setattr(PAGE_ONLY_ORIGINS, "load", lambda: calls.append("load"))
    with FakeChatGPT() as server:
        api = connect(server)
        assert calls == []
        api.start()
        assert calls == ["load"]
