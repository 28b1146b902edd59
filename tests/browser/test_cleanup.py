"""What is left after a client: no thread, no process, no folder, whichever way it ended."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
from chatgpt_browser.testing import Gate, Reply
from tests.support.processes import marked, still_running
from tests.support.scripted_site import base_urls
from tests.support.threads import still_running as still_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.client_fixtures import Serve

VARIABLE = "LEFTOVERS_MARK"


class Traces:
    """What a client has that others could find: looked for by a mark, and in a temporary folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self._threads = {*threading.enumerate()}

    @property
    def threads(self) -> list[str]:
        """Those that are new, but for the fake server's own."""
        return [thread.name for thread in self._new_threads()]

    def found(self) -> tuple[list[str], list[str], list[str]]:
        """Threads, processes and folders. The first two are waited for: they end a moment after they were told to."""
        threads = still_alive(self._new_threads())
        return [thread.name for thread in threads], *self.found_outside()

    def found_outside(self) -> tuple[list[str], list[str]]:
        """Processes and folders."""
        processes = still_running(marked(VARIABLE, self.mark))
        return [process.name() for process in processes], sorted(os.listdir(self.folder))

    def _new_threads(self) -> list[threading.Thread]:
        return [
            thread
            for thread in threading.enumerate()
            if thread not in self._threads and thread.name != "FakeChatGPT"
        ]

    def assert_there_are_some(self) -> None:
        """So that a test of what is gone can't pass because nothing was ever found."""
        assert marked(VARIABLE, self.mark)
        assert os.listdir(self.folder)


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    # Its name is short: Chromium puts a Unix socket in there, whose path has 108 characters at most.
    with tempfile.TemporaryDirectory(prefix="left-", ignore_cleanup_errors=True) as folder:
        traces = Traces(Path(folder))
        monkeypatch.setenv(VARIABLE, traces.mark)
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield traces
    monkeypatch.undo()
    tempfile.tempdir = None


NOTHING: tuple[list[str], list[str], list[str]] = ([], [], [])


def test_after_close_in_the_middle_of_a_reply(serve: Serve, traces: Traces) -> None:
    server = serve(replies=["whole", Reply("one two", hold_after=1, gate=Gate())])
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        assert api.send_message("Hello") == "whole"
        assert next(api.stream_message("Hello")) == "one"
        traces.assert_there_are_some()
        assert traces.threads

    assert traces.found() == NOTHING


def test_after_a_start_that_failed(traces: Traces) -> None:
    """Nobody listens there: the browser was up, and nobody calls close()."""
    api = ChatGPTAPI(
        "token", api_base_url="http://127.0.0.1:9/api", backend_api_base_url="http://127.0.0.1:9/b"
    )
    with pytest.raises(Exception, match="ERR_"):
        api.start()

    assert traces.found_outside() == NOTHING[1:]
    api.close()
    assert traces.found() == NOTHING


def test_after_garbage_collection(serve: Serve, traces: Traces) -> None:
    server = serve()
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    api.send_message("Hello")
    conversation = api.get_conversation()
    conversation.send_message("Hello")
    traces.assert_there_are_some()
    del api, conversation
    gc.collect()

    assert traces.found() == NOTHING


@pytest.mark.anyio
async def test_after_close_of_the_async_client(serve: Serve, traces: Traces) -> None:
    server, before = serve(), asyncio.all_tasks()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.send_message("Hello")
        traces.assert_there_are_some()
        assert asyncio.all_tasks() > before

    assert asyncio.all_tasks() == before
    assert await asyncio.to_thread(traces.found_outside) == NOTHING[1:]


@pytest.mark.anyio
async def test_after_a_start_that_was_cancelled(serve: Serve, traces: Traces) -> None:
    """At any moment of it: the browser is found, starting, started, on its way to the site."""
    server = serve()
    for steps in (1, 3, 10, 30, 100):
        api = AsyncChatGPTAPI(server.session_token, **base_urls(server))
        starting = asyncio.ensure_future(api.start())
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await api.close()

    assert await asyncio.to_thread(traces.found_outside) == NOTHING[1:]


PROGRAM = """
import sys
from chatgpt_browser import {face}

options = dict(api_base_url=sys.argv[1] + "/api", backend_api_base_url=sys.argv[1] + "/backend-api")
{body}
"""
ENDINGS = {
    "raises": "api = ChatGPTAPI(sys.argv[2], **options)\nprint(api.send_message('Hello'))\nraise SystemExit(7)",
    "falls off its end in the middle of a reply": (
        "api = ChatGPTAPI(sys.argv[2], **options)\n"
        "stream = api.stream_message('hold')\nprint(next(stream))\nprint('left')"
    ),
    "in a thread": (
        "import threading\napi = ChatGPTAPI(sys.argv[2], **options)\n"
        "thread = threading.Thread(target=lambda: print(api.send_message('Hello')))\nthread.start()"
    ),
}


def run(server: FakeChatGPT, body: str, face: str = "ChatGPTAPI") -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(face=face, body=body)
    arguments = [sys.executable, "-W", "error", "-c", program, server.origin, server.session_token]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("how", ENDINGS)
def test_after_a_program_that_never_calls_close(serve: Serve, traces: Traces, how: str) -> None:
    gate = Gate()
    hold = Reply("one two", hold_after=1, gate=gate)
    server = serve(reply=lambda turn: hold if turn.message == "hold" else f"You said {turn.message}")
    done = run(server, ENDINGS[how])

    assert done.stderr == ""
    assert done.returncode == (7 if how == "raises" else 0)
    assert done.stdout == ("one\nleft\n" if "middle" in how else "You said Hello\n")
    assert traces.found() == NOTHING


def test_after_an_async_program_that_never_calls_close(serve: Serve, traces: Traces) -> None:
    """There is no loop left to close it in; the driver notices that its parent is gone."""
    server = serve()
    body = (
        "import asyncio\n"
        "async def main():\n"
        "    api = AsyncChatGPTAPI(sys.argv[2], **options)\n"
        "    print(await api.send_message('Hello'))\n"
        "asyncio.run(main())"
    )
    program = PROGRAM.format(face="AsyncChatGPTAPI", body=body)
    arguments = [sys.executable, "-c", program, server.origin, server.session_token]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout) == (0, 'You said: "Hello".\n')
    assert traces.found()[:2] == NOTHING[:2]
