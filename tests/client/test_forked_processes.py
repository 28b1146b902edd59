"""A client in a process that was forked after the client had started: an error at once, and an exit that does not hang."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI, ForkedProcessError
from tests.support.scripted_site import base_urls, can_send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings(
        "ignore:This process:DeprecationWarning"
    ),  # Python 3.12: fork with several threads
]

#: Seconds until a child process counts as hanging.
GUARD = 60


def in_fork(work: Callable[[], Any]) -> None:
    """Run ``work`` in a forked process, which must end normally."""

    def run() -> None:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            raise

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join(GUARD)
    hangs = child.is_alive()
    child.kill()
    child.join()
    assert not hangs, "the child process hangs"
    assert child.exitcode == 0


def raises_forked(call: Callable[[], Any]) -> None:
    with pytest.raises(ForkedProcessError, match="in each process after the fork"):
        call()


def test_sync_client_in_fork_raises_for_every_call_and_closes(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    stream = api.stream_message("Hello")

    def child() -> None:
        raises_forked(lambda: api.send_message("Hello", timeout_ms=10_000))
        raises_forked(lambda: conversation.send_message("Hello"))
        raises_forked(lambda: next(stream))
        raises_forked(lambda: next(api.iter_conversations()))
        raises_forked(lambda: list(api.send_many(["Hello"])))
        for call in (api.start, api.get_session, api.ensure_auth, api.get_is_authenticated, api.list_models):
            raises_forked(call)
        stream.close()
        api.close()

    in_fork(child)

    assert can_send(api)
    stream.close()


def test_sync_client_in_fork_during_calls_of_other_threads_raises(serve: Serve, connect: Connect) -> None:
    api = connect(serve())
    api.start()
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            api.get_session()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()

    def child() -> None:
        raises_forked(api.get_session)
        api.close()

    try:
        for _ in range(5):
            in_fork(child)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert can_send(api)


def test_sync_stream_in_fork_raises_and_parent_reads_on(serve: Serve, connect: Connect) -> None:
    api = connect(serve(reply="one two three"))
    with api.stream_message("Hello") as stream:
        first = next(stream)

        def child() -> None:
            raises_forked(lambda: next(stream))
            stream.close()

        in_fork(child)

        assert first + "".join(stream) == "one two three"


def test_client_not_used_before_fork_works_in_each_process(serve: Serve) -> None:
    server = serve()
    api = ChatGPTAPI(server.session_token, **base_urls(server))

    def child() -> None:
        assert can_send(api)
        api.close()

    in_fork(child)
    in_fork(child)

    assert can_send(api)
    api.close()


def test_async_client_in_fork_raises_for_every_call_and_closes(serve: Serve) -> None:
    server = serve(reply="one two three")

    async def child(api: AsyncChatGPTAPI, conversation: Any, stream: Any) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: api.send_message("Hello"),
            lambda: conversation.send_message("Hello"),
            lambda: anext(stream),
            lambda: anext(api.iter_conversations()),
            lambda: anext(api.send_many(["Hello"])),
            api.start,
            api.get_session,
            api.ensure_auth,
            api.get_is_authenticated,
            api.list_models,
        ]
        for call in calls:
            with pytest.raises(ForkedProcessError):
                await call()
        await stream.close()
        await api.close()

    async def main() -> None:
        async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
            conversation = api.get_conversation()
            async with conversation.stream_message("Hello") as stream:  # holds the slot and the permit
                first = await anext(stream)
                in_fork(lambda: asyncio.run(child(api, conversation, stream)))
                assert first + "".join([piece async for piece in stream]) == "one two three"
            assert await api.get_is_authenticated()

    asyncio.run(main())


PROGRAM = """
import os, sys, gc
from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT

with FakeChatGPT() as server:
    api = ChatGPTAPI(server.session_token, **server_urls(server))
    api.start()
    child = os.fork()
    if child == 0:
        {child}
        sys.exit(7)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    api.close()
    sys.exit(status)
"""


@pytest.mark.sample(1)
@pytest.mark.parametrize("child", ["pass", "api.close()", "del api; gc.collect()"])
def test_normal_exit_of_fork_does_not_hang(child: str) -> None:
    urls = "server_urls = lambda s: dict(api_base_url=s.api_base_url, backend_api_base_url=s.backend_api_base_url)\n"
    program = urls + PROGRAM.format(child=child)

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=GUARD
    )

    assert (done.returncode, done.stderr) == (7, "")


def test_client_collected_in_fork_leaves_parent_working(serve: Serve) -> None:
    server = serve()
    clients = [ChatGPTAPI(server.session_token, **base_urls(server))]
    clients[0].start()

    def child() -> None:
        clients.clear()
        gc.collect()

    in_fork(child)

    assert can_send(clients[0])
    clients[0].close()
