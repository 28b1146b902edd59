"""Start and end of the clients: constructor, ``close()`` during calls, and garbage collection."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from chatgpt_browser import (
    AsyncChatGPTAPI,
    BrowserLaunchError,
    ChatGPTAPI,
    ClientClosedError,
)
from chatgpt_browser._client.portal import Portal
from chatgpt_browser.testing import Gate, Reply, Stall
from tests.support.processes import still_running as processes_still_running
from tests.support.scripted_site import base_urls
from tests.support.threads import still_running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.client_fixtures import Connect, Serve

#: Methods that wait for the start of the browser. All but the first also wait for the session.
VERBS = ("start", "ensure_auth", "get_is_authenticated", "list_models")


def test_client_constructor_starts_no_thread_and_no_process() -> None:
    threads, processes = {*threading.enumerate()}, {*psutil.Process().children(recursive=True)}
    api = ChatGPTAPI("token")
    other = AsyncChatGPTAPI("token")  # no event loop is running here
    api.get_conversation(conversation_id="c", parent_message_id="p")
    api.stream_message("Hello")
    other.get_conversation()

    assert {*threading.enumerate()} <= threads
    assert {*psutil.Process().children(recursive=True)} <= processes
    api.close()
    assert {*threading.enumerate()} <= threads


def test_user_data_dir_that_is_a_file_raises_launch_error(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "profile").write_text("a file")
    with pytest.raises(BrowserLaunchError, match="user_data_dir"):
        connect(serve(), user_data_dir=tmp_path / "profile").start()


@pytest.mark.parametrize("started", [False, True])
def test_sync_client_after_close_raises_client_closed(serve: Serve, started: bool) -> None:
    server = serve()
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    conversation, stream = api.get_conversation(), api.stream_message("Hello")
    if started:
        api.start()
    api.close()
    api.close()
    with api:
        pass
    calls: list[Callable[[], object]] = [
        api.start,
        api.ensure_auth,
        api.refresh_access_token,
        api.get_is_authenticated,
        api.get_session,
        lambda: api.send_message("Hello"),
        lambda: conversation.send_message("Hello"),
        lambda: next(stream),
        lambda: list(api.stream_message("Hello")),
        stream.__enter__,
    ]
    for call in calls:
        with pytest.raises(ClientClosedError):
            call()

    assert api.session_token == server.session_token
    assert "closed" in repr(ClientClosedError())
    assert [request for request in server.requests if request.method == "POST"] == []


def test_sync_close_ends_waiting_calls_with_client_closed(serve: Serve) -> None:
    server = serve(reply=Stall(before_head=True))
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    api.start()
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(api.send_message, "Hello") for _ in range(3)]
        futures.append(pool.submit(api.get_conversation().send_message, "Hello"))
        post = server.wait_for_request("/conversation", "POST", timeout=60)
        api.close()
        failures = [future.exception(20) for future in futures]

    assert [type(failure) for failure in failures] == [ClientClosedError] * 4
    assert post.disconnected.wait(20)


def test_sync_close_ends_open_stream_with_client_closed(serve: Serve) -> None:
    server = serve(reply=Reply("one two", hold_after=1, gate=Gate()))
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        stream = api.stream_message("Hello")
        assert next(stream) == "one"
    with pytest.raises(ClientClosedError):
        next(stream)

    stream.close()
    assert stream.text == "one"


def test_sync_close_during_start_ends_waiting_call_with_client_closed(serve: Serve) -> None:
    server = serve()
    server.script_path("/api/auth/session", Stall(before_head=True))
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(api.send_message, "Hello")
        server.wait_for_request("/session", timeout=60)
        api.close()
        assert isinstance(future.exception(20), ClientClosedError)


def test_portal_close_after_interrupted_submission_ends_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    portal, begun = Portal(), threading.Event()

    async def call() -> None:
        begun.set()
        await asyncio.Event().wait()

    async def nothing() -> None:
        pass

    portal.call(nothing)
    hand_over = portal._started().start_task_soon

    def interrupted(*call: Any) -> None:
        hand_over(*call)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(portal._portal, "start_task_soon", interrupted)
        portal.call(call)
    assert begun.wait(20)

    closing = threading.Thread(target=portal.close, args=(nothing,), daemon=True)
    closing.start()
    closing.join(20)
    assert not closing.is_alive()


def test_sync_close_in_two_threads_returns_after_cleanup(serve: Serve) -> None:
    server = serve()
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    before = {*threading.enumerate()}
    api.start()
    with ThreadPoolExecutor(2) as pool:
        together = threading.Barrier(2)

        def close(_: int) -> set[threading.Thread]:
            together.wait(20)
            api.close()
            return {*threading.enumerate()} - before - {*pool._threads}

        left = [*pool.map(close, range(2))]
    # Neither call returned before the client's threads had ended.
    assert [thread.name for thread in set().union(*left) if "chatgpt_browser" in thread.name] == []
    assert not still_running(set().union(*left))


@pytest.mark.anyio
async def test_async_close_ends_waiting_calls_with_client_closed(serve: Serve) -> None:
    server = serve(reply=Stall(before_head=True))
    api = AsyncChatGPTAPI(server.session_token, **base_urls(server))
    tasks = [asyncio.ensure_future(api.send_message("Hello")) for _ in range(3)]
    await asyncio.to_thread(server.wait_for_request, "/conversation", "POST", timeout=60)
    await api.close()
    failures = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)

    assert [type(failure) for failure in failures] == [ClientClosedError] * 3
    await api.close()
    with pytest.raises(ClientClosedError):
        await api.send_message("Hello")


def test_sync_stream_without_other_reference_keeps_the_client_open(serve: Serve) -> None:
    server = serve()

    def client() -> ChatGPTAPI:
        return ChatGPTAPI(server.session_token, **base_urls(server))

    def stream(message: str) -> Iterator[str]:
        return client().stream_message(message)

    for ask in (stream, lambda message: client().get_conversation().stream_message(message)):
        pieces = ask("hello")
        gc.collect()
        assert "".join(pieces) == 'You said: "hello".'
    assert [result.reply for result in client().send_many(["hello"])] == ['You said: "hello".']
    gc.collect()


def test_sync_client_collected_in_portal_thread_is_closed(serve: Serve) -> None:
    """A client in a reference cycle is found by the garbage collector, which may run in the portal's thread."""
    server, others = serve(), psutil.Process().children(recursive=True)
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    api.start()
    portal, finalizer = api._portal, api._finalizer
    processes = [each for each in psutil.Process().children(recursive=True) if each not in others]
    cycle: list[Any] = [api]
    cycle.append(cycle)

    closing: list[threading.Thread] = []

    async def collect() -> None:
        gc.collect()
        # Listed here, where the thread cannot have ended: it has to run code in this event loop first.
        closing.extend(each for each in threading.enumerate() if each.name == "chatgpt_browser closes")

    gc.disable()
    try:
        del api, cycle
        portal.call(collect)
    finally:
        gc.enable()
    assert not finalizer.alive
    assert closing
    assert not still_running(closing, timeout=60)
    assert processes
    assert processes_still_running(processes) == []


@pytest.mark.anyio
@pytest.mark.parametrize("verb", VERBS)
async def test_async_close_during_start_ends_waiting_call_with_client_closed(serve: Serve, verb: str) -> None:
    server = serve()
    api = AsyncChatGPTAPI(server.session_token, **base_urls(server), access_token_ttl=0)
    calling = asyncio.ensure_future(getattr(api, verb)())
    await asyncio.sleep(0)
    await api.close()

    outcome = (await asyncio.gather(calling, return_exceptions=True))[0]
    assert not calling.cancelled()
    assert isinstance(outcome, ClientClosedError)


@pytest.mark.anyio
async def test_async_close_during_token_refresh_ends_waiting_calls_with_client_closed(serve: Serve) -> None:
    """Calls that share one token refresh raise ClientClosedError and are not cancelled."""
    server = serve()
    api = AsyncChatGPTAPI(server.session_token, **base_urls(server), access_token_ttl=0)
    await api.start()
    server.script_session(Stall(before_head=True))
    seen = len(server.requests)
    callings = [asyncio.ensure_future(getattr(api, verb)()) for verb in VERBS]
    await asyncio.to_thread(server.wait_for_request, "/api/auth/session", count=seen + 1, timeout=60)
    await api.close()

    already_started, *outcomes = await asyncio.gather(*callings, return_exceptions=True)
    assert not any(calling.cancelled() for calling in callings)
    assert already_started is None
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError] * 3
