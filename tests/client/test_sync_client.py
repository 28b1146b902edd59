"""The sync client in a running event loop, in several threads, with callbacks, Ctrl-C and abort reasons."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    ChatGPTAPI,
)
from chatgpt_browser.testing import Gate, Reply, Stall
from tests.support.scripted_site import base_urls, can_send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Serve
    from tests.support.scripted_site import ScriptedSite


# ---- event loops and threads -----------------------------------------------------------------------------------------


def test_sync_client_in_running_event_loop_sends_and_streams(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    async def run_cell() -> list[Any]:
        with api.stream_message(scripted_site.answering(Reply(pieces=["a", "b"]))) as stream:
            pieces = list(stream)
        return [api.send_message("Hello"), pieces, api.get_is_authenticated()]

    assert asyncio.run(run_cell()) == ['You said: "Hello".', ["a", "b"], True]


def test_sync_client_created_in_running_event_loop_continues_conversation(serve: Serve) -> None:
    server = serve()

    async def run_cell() -> str:
        with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
            conversation = api.get_conversation()
            conversation.send_message("one")
            return conversation.send_message("two")

    assert asyncio.run(run_cell()) == 'You said: "two". Before that you said: "one".'


def test_sync_client_in_four_threads_returns_each_thread_its_replies(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
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
    # The client releases the permit at the end of a reply. The server counts the message until the response is closed, later.
    assert scripted_site.peak_active_messages < 4
    assert len(scripted_site.posts) == 20


def test_sync_stream_read_in_another_thread_continues(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with api.stream_message(scripted_site.answering(Reply(pieces=["a", "b", "c"]))) as stream:
        assert next(stream) == "a"
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(list, stream).result(60) == ["b", "c"]


def test_sync_callbacks_run_in_the_calling_thread(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    threads: set[threading.Thread] = set()

    def record_thread(_: object) -> None:
        threads.add(threading.current_thread())

    api.send_message(
        scripted_site.answering("one two"), on_progress=record_thread, on_conversation_response=record_thread
    )
    assert threads == {threading.current_thread()}


def test_sync_send_message_with_async_callback_raises_type_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    async def async_callback(text: object) -> None:
        raise AssertionError("the callback was called")

    message = scripted_site.answering("never sent")
    with pytest.raises(TypeError, match="on_progress must not be asynchronous"):
        api.send_message(message, on_progress=async_callback)
    with pytest.raises(TypeError, match="on_conversation_response must not"):
        api.get_conversation().send_message(message, on_conversation_response=async_callback)
    assert scripted_site.posts == []


def test_sync_callback_may_call_the_client(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    answers: list[bool] = []

    reply = api.send_message(
        scripted_site.answering("one"), on_progress=lambda text: answers.append(api.get_is_authenticated())
    )
    assert (reply, answers) == ("one", [True])


def test_browser_process_is_no_multiprocessing_child(api: ChatGPTAPI) -> None:
    """`multiprocessing` waits for its children at exit, so the browser must not be among them."""
    assert can_send(api)
    assert multiprocessing.active_children() == []


# ---- Ctrl-C ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Install Python's default SIGINT handler: a shell's background job, and its children, ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between processes")
@pytest.mark.usefixtures("ctrl_c")
def test_sync_send_message_interrupted_by_ctrl_c_closes_the_request(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """Python raises KeyboardInterrupt in the main thread, where the client waits for the reply."""
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


def test_sync_callback_raising_keyboard_interrupt_closes_the_request(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())), on_progress=interrupt
        )

    assert scripted_site.posts[0].disconnected.wait(20)
    assert can_send(api)


# ---- abort reasons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), SystemExit(3)])
def test_sync_abort_with_exit_reason_raises_it_only_in_the_caller(
    scripted_site: ScriptedSite, api: ChatGPTAPI, reason: BaseException
) -> None:
    """The reason is raised in the waiting thread, not in the event loop, where it would end all calls."""
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
def test_sync_abort_with_coroutine_exit_reason_raises_abort_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, reason: BaseException
) -> None:
    controller = AbortController()
    controller.abort(reason)
    with pytest.raises(AbortError) as caught:
        api.send_message("not sent", abort_signal=controller.signal)
    assert caught.value.reason is reason
    assert can_send(api)
