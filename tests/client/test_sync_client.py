"""The synchronous face: in a running loop, from several threads, to its end; and that it is the twin of the other."""

from __future__ import annotations

import asyncio
import gc
import inspect
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import chatgpt_browser
from chatgpt_browser import (
    AbortController,
    AbortError,
    AsyncChatGPTAPI,
    ChatGPTAPI,
    ClientClosedError,
)
from chatgpt_browser._client.portal import Portal
from chatgpt_browser.testing import Gate, Reply, Stall
from tests.support.processes import still_running as processes_still_running
from tests.support.scripted_site import base_urls, can_send
from tests.support.threads import still_running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.client_fixtures import Serve
    from tests.support.scripted_site import ScriptedSite

TWINS = [
    ("ChatGPTAPI", "AsyncChatGPTAPI"),
    ("ChatGPTConversation", "AsyncChatGPTConversation"),
    ("ReplyStream", "AsyncReplyStream"),
]
#: Protocol methods have other names on the other face, and so has the end of a stream, as with generators.
NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
}


# ---- where it can be called from ---------------------------------------------------------------------------------------


def test_inside_a_running_loop(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    async def notebook() -> list[Any]:
        with api.stream_message(scripted_site.answering(Reply(pieces=["a", "b"]))) as stream:
            pieces = list(stream)
        return [api.send_message("Hello"), pieces, api.get_is_authenticated()]

    assert asyncio.run(notebook()) == ['You said: "Hello".', ["a", "b"], True]


def test_its_whole_life_inside_a_running_loop(serve: Serve) -> None:
    server = serve()

    async def notebook() -> str:
        with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
            conversation = api.get_conversation()
            conversation.send_message("one")
            return conversation.send_message("two")

    assert asyncio.run(notebook()) == 'You said: "two". Before that you said: "one".'


def test_four_threads_on_one_client(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    messages = [
        [scripted_site.answering(f"reply {thread}.{turn}") for turn in range(5)] for thread in range(4)
    ]
    together = threading.Barrier(4)

    def send_all(thread: int) -> list[str]:
        together.wait(20)
        return [api.send_message(message) for message in messages[thread]]

    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(send_all, range(4)))

    assert replies == [[f"reply {thread}.{turn}" for turn in range(5)] for thread in range(4)]
    # A turn ends with the reply's last word; the server counts it until its response is closed, a moment later.
    assert scripted_site.peak_active_messages <= 2
    assert len(scripted_site.posts) == 20


def test_a_stream_may_be_read_in_another_thread(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with api.stream_message(scripted_site.answering(Reply(pieces=["a", "b", "c"]))) as stream:
        assert next(stream) == "a"
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(list, stream).result(5) == ["b", "c"]


def test_callbacks_are_called_in_the_callers_thread(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    threads: set[threading.Thread] = set()

    def hear(_: object) -> None:
        threads.add(threading.current_thread())

    api.send_message(scripted_site.answering("one two"), on_progress=hear, on_conversation_response=hear)
    assert threads == {threading.current_thread()}


def test_a_callback_that_would_have_to_be_waited_for(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    async def listen(text: object) -> None:
        raise AssertionError("nobody waits for this")

    message = scripted_site.answering("never sent")
    with pytest.raises(TypeError, match="on_progress must not be asynchronous"):
        api.send_message(message, on_progress=listen)
    with pytest.raises(TypeError, match="on_conversation_response must not"):
        api.get_conversation().send_message(message, on_conversation_response=listen)
    assert scripted_site.posts == []


def test_a_callback_may_call_the_client(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    answers: list[bool] = []

    reply = api.send_message(
        scripted_site.answering("one"), on_progress=lambda text: answers.append(api.get_is_authenticated())
    )
    assert (reply, answers) == ("one", [True])


# ---- Ctrl-C ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own handler, as in a program that a person has started: a background job and its children ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_waiting(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Python raises KeyboardInterrupt in the main thread, which waits for the reply in there."""
    message = scripted_site.answering(Stall(before_head=True))

    def interrupt() -> None:
        scripted_site.wait_for_post()
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        api.send_message(message)
    thread.join()

    assert scripted_site.posts[0].disconnected.wait(20)
    assert can_send(api)


def test_ctrl_c_in_a_callback(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())), on_progress=interrupt
        )

    assert scripted_site.posts[0].disconnected.wait(20)
    assert can_send(api)


# ---- its end -----------------------------------------------------------------------------------------------------------


def test_a_constructor_starts_nothing() -> None:
    threads, processes = threading.active_count(), psutil.Process().children(recursive=True)
    api = ChatGPTAPI("token")
    other = AsyncChatGPTAPI("token")  # there is no loop here
    api.get_conversation(conversation_id="c", parent_message_id="p")
    api.stream_message("Hello")
    other.get_conversation()

    assert threading.active_count() == threads
    assert psutil.Process().children(recursive=True) == processes
    api.close()
    assert threading.active_count() == threads


@pytest.mark.parametrize("started", [False, True])
def test_after_close(serve: Serve, started: bool) -> None:
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


def test_calls_that_wait_when_it_closes(serve: Serve) -> None:
    server = serve(reply=Stall(before_head=True))
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    api.start()
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(api.send_message, "Hello") for _ in range(3)]
        futures.append(pool.submit(api.get_conversation().send_message, "Hello"))
        post = server.wait_for_request("/conversation", "POST")
        api.close()
        failures = [future.exception(20) for future in futures]

    assert [type(failure) for failure in failures] == [ClientClosedError] * 4
    assert post.disconnected.wait(20)


def test_a_stream_under_way_when_it_closes(serve: Serve) -> None:
    server = serve(reply=Reply("one two", hold_after=1, gate=Gate()))
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        stream = api.stream_message("Hello")
        assert next(stream) == "one"
    with pytest.raises(ClientClosedError):
        next(stream)

    stream.close()
    assert stream.text == "one"


def test_closing_while_it_starts(serve: Serve) -> None:
    server = serve()
    server.script_path("/api/auth/session", Stall(before_head=True))
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(api.send_message, "Hello")
        server.wait_for_request("/session")
        api.close()
        assert isinstance(future.exception(20), ClientClosedError)


def test_close_ends_a_call_whose_caller_was_interrupted_while_handing_it_over(
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


def test_closing_in_two_threads_at_once(serve: Serve) -> None:
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
    # Neither came back before the other had closed: of the client's own threads none was there any more for either.
    assert [thread.name for thread in set().union(*left) if "chatgpt_browser" in thread.name] == []
    assert not still_running(set().union(*left))


@pytest.mark.anyio
async def test_calls_that_wait_when_the_async_client_closes(serve: Serve) -> None:
    server = serve(reply=Stall(before_head=True))
    api = AsyncChatGPTAPI(server.session_token, **base_urls(server))
    tasks = [asyncio.ensure_future(api.send_message("Hello")) for _ in range(3)]
    await asyncio.to_thread(server.wait_for_request, "/conversation", "POST")
    await api.close()
    failures = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)

    assert [type(failure) for failure in failures] == [ClientClosedError] * 3
    await api.close()
    with pytest.raises(ClientClosedError):
        await api.send_message("Hello")


# ---- twins -------------------------------------------------------------------------------------------------------------


def public_names(kind: type) -> set[str]:
    own = {name for base in kind.__mro__[:-1] for name in vars(base)}
    dunders = {name for name in own if NAMES.get(name, name) in NAMES.values()}
    return {NAMES.get(name, name) for name in {name for name in own if not name.startswith("_")} | dunders}


@pytest.mark.parametrize(("sync_name", "async_name"), TWINS)
def test_twins_have_the_same_names(sync_name: str, async_name: str) -> None:
    one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)
    # A conversation's attributes are properties on the one face and plain attributes on the other.
    attributes = {"api", "conversation_id", "parent_message_id"} if "Conversation" in sync_name else set()

    assert public_names(one) | attributes == public_names(other) | attributes
    assert len(public_names(one)) >= 4


def signature(kind: Any, name: str) -> str:
    """A method's parameters, in words: names, order, kinds, annotations and defaults."""
    method = inspect.getattr_static(kind, name)
    method = getattr(method, "fget", method)
    parameters = [p for p in inspect.signature(method).parameters.values() if p.name not in ("self", "api")]
    returns = inspect.signature(method).return_annotation
    # What the one face iterates over, or is iterated over, the other does asynchronously.
    return f"({', '.join(map(str, parameters))}) -> {returns}".replace("Async", "")


@pytest.mark.parametrize(("sync_name", "async_name"), TWINS)
def test_twins_have_the_same_signatures(sync_name: str, async_name: str) -> None:
    one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)
    back = {synchronous: asynchronous for asynchronous, synchronous in NAMES.items()}
    compared = 0
    for name in public_names(one) & {NAMES.get(n, n) for n in dir(other)}:
        twin = name if hasattr(other, name) else back[name]
        assert signature(one, name) == signature(other, twin), name
        compared += 1

    assert compared >= 2


@pytest.mark.parametrize(("sync_name", "async_name"), TWINS[:2])
def test_twins_are_made_of_the_same(sync_name: str, async_name: str) -> None:
    one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)

    assert signature(one, "__init__") == signature(other, "__init__")
    assert len(inspect.signature(one.__init__).parameters) >= 4


def test_every_coroutine_is_a_plain_method_of_the_twin() -> None:
    for sync_name, async_name in TWINS:
        one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)
        for name in public_names(one):
            assert not inspect.iscoroutinefunction(inspect.getattr_static(one, name, None)), name
        coroutines = [n for n in dir(other) if inspect.iscoroutinefunction(inspect.getattr_static(other, n))]
        assert coroutines


def test_no_process_of_ours_is_counted_as_a_worker() -> None:
    """`multiprocessing` waits for its children when the interpreter ends: the browser must be none of them."""
    assert multiprocessing.active_children() == []


# ---- what must not take a client along --------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), SystemExit(3)])
def test_an_abort_with_a_reason_that_ends_programs(
    scripted_site: ScriptedSite, api: ChatGPTAPI, reason: BaseException
) -> None:
    """It is raised where the caller waits, and not in the loop that everybody's calls run in."""
    controller, gate = AbortController(), Gate()
    message = scripted_site.answering(Reply(pieces=["one", " never"], hold_after=1, gate=gate))
    with pytest.raises(type(reason)) as caught:
        api.send_message(
            message, on_progress=lambda _: controller.abort(reason), abort_signal=controller.signal
        )
    assert caught.value is reason
    with pytest.raises(type(reason)):
        api.send_message("not sent", abort_signal=controller.signal)
    assert can_send(api)


@pytest.mark.parametrize("reason", [asyncio.CancelledError(), StopIteration(), GeneratorExit()])
def test_an_abort_with_a_reason_that_ends_coroutines(
    scripted_site: ScriptedSite, api: ChatGPTAPI, reason: BaseException
) -> None:
    controller = AbortController()
    controller.abort(reason)
    with pytest.raises(AbortError) as caught:
        api.send_message("not sent", abort_signal=controller.signal)
    assert caught.value.reason is reason
    assert can_send(api)


def test_a_stream_keeps_its_client(serve: Serve) -> None:
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


def test_a_client_that_is_forgotten_in_its_own_thread(serve: Serve) -> None:
    """In a cycle, it is found by the collector, which runs in whatever thread has made the most of late."""
    server, others = serve(), psutil.Process().children(recursive=True)
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    api.start()
    portal, finalizer = api._portal, api._finalizer
    processes = [each for each in psutil.Process().children(recursive=True) if each not in others]
    cycle: list[Any] = [api]
    cycle.append(cycle)

    async def collect() -> None:
        gc.collect()

    gc.disable()
    try:
        del api, cycle
        portal.call(collect)
    finally:
        gc.enable()
    assert not finalizer.alive
    closing = [thread for thread in threading.enumerate() if thread.name == "chatgpt_browser closes"]
    assert closing
    assert not still_running(closing, timeout=20)
    assert processes
    assert processes_still_running(processes) == []


@pytest.mark.anyio
@pytest.mark.parametrize("verb", ["start", "ensure_auth", "get_is_authenticated", "list_models"])
@pytest.mark.parametrize("ready", [False, True])
async def test_who_waits_for_all_when_the_async_client_closes(serve: Serve, verb: str, ready: bool) -> None:
    """Who waits for the browser, or for the session, is told that the client was closed, and was cancelled by nobody."""
    server = serve()
    api = AsyncChatGPTAPI(server.session_token, **base_urls(server), access_token_ttl=0)
    if ready:
        await api.start()
        server.script_session(Stall(before_head=True))
    seen = len(server.requests)
    calling = asyncio.ensure_future(getattr(api, verb)())
    if ready and verb != "start":
        await asyncio.to_thread(server.wait_for_request, "/api/auth/session", count=seen + 1)
    else:
        await asyncio.sleep(0)
    await api.close()

    outcome = (await asyncio.gather(calling, return_exceptions=True))[0]
    assert not calling.cancelled()
    assert isinstance(outcome, ClientClosedError) or (ready and verb == "start" and outcome is None)
