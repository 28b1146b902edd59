"""Threads, processes and folders: none is left after a client has ended, whichever way it ended."""

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

MARK_VARIABLE = "LEFTOVERS_MARK"


class Leftovers:
    """The threads, processes and folders of a client, found by an environment variable and a separate temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self._threads = {*threading.enumerate()}

    @property
    def threads(self) -> list[str]:
        """The names of the new threads, without those of the fake server."""
        return [thread.name for thread in self._new_threads()]

    def find(self) -> tuple[list[str], list[str], list[str]]:
        """Return threads, processes and folders. Threads and processes may take a moment to end."""
        threads = still_alive(self._new_threads())
        return [thread.name for thread in threads], *self.find_outside()

    def find_outside(self) -> tuple[list[str], list[str]]:
        """Return processes and folders."""
        processes = still_running(marked(MARK_VARIABLE, self.mark))
        return [process.name() for process in processes], sorted(os.listdir(self.folder))

    def _new_threads(self) -> list[threading.Thread]:
        return [
            thread
            for thread in threading.enumerate()
            if thread not in self._threads and thread.name != "FakeChatGPT"
        ]

    def assert_some_exist(self) -> None:
        """Check that processes and folders are found while the client runs; otherwise a test could pass without a reason."""
        assert marked(MARK_VARIABLE, self.mark)
        assert os.listdir(self.folder)


@pytest.fixture
def leftovers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leftovers]:
    # The name is short, because Chromium creates a Unix socket there, whose path may have 108 characters at most.
    with tempfile.TemporaryDirectory(prefix="left-", ignore_cleanup_errors=True) as folder:
        leftovers = Leftovers(Path(folder))
        monkeypatch.setenv(MARK_VARIABLE, leftovers.mark)
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield leftovers
    monkeypatch.undo()
    tempfile.tempdir = None


NOTHING: tuple[list[str], list[str], list[str]] = ([], [], [])


def test_close_during_reply_leaves_nothing(serve: Serve, leftovers: Leftovers) -> None:
    server = serve(replies=["whole", Reply("one two", hold_after=1, gate=Gate())])
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        assert api.send_message("Hello") == "whole"
        assert next(api.stream_message("Hello")) == "one"
        leftovers.assert_some_exist()
        assert leftovers.threads

    assert leftovers.find() == NOTHING


def test_failed_start_leaves_nothing(leftovers: Leftovers) -> None:
    """The browser has started, but the site refuses the connection; close() is not called before the check."""
    api = ChatGPTAPI(
        "token", api_base_url="http://127.0.0.1:9/api", backend_api_base_url="http://127.0.0.1:9/b"
    )
    with pytest.raises(Exception, match="ERR_"):
        api.start()

    assert leftovers.find_outside() == NOTHING[1:]
    api.close()
    assert leftovers.find() == NOTHING


def test_garbage_collected_client_leaves_nothing(serve: Serve, leftovers: Leftovers) -> None:
    server = serve()
    api = ChatGPTAPI(server.session_token, **base_urls(server))
    api.send_message("Hello")
    conversation = api.get_conversation()
    conversation.send_message("Hello")
    leftovers.assert_some_exist()
    del api, conversation
    gc.collect()

    assert leftovers.find() == NOTHING


@pytest.mark.anyio
async def test_async_close_leaves_nothing(serve: Serve, leftovers: Leftovers) -> None:
    server, before = serve(), asyncio.all_tasks()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.send_message("Hello")
        leftovers.assert_some_exist()
        assert asyncio.all_tasks() > before

    assert asyncio.all_tasks() == before
    assert await asyncio.to_thread(leftovers.find_outside) == NOTHING[1:]


@pytest.mark.anyio
async def test_cancelled_start_leaves_nothing(serve: Serve, leftovers: Leftovers) -> None:
    """The start is cancelled at different points: before and during the launch, and during the navigation."""
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

    assert await asyncio.to_thread(leftovers.find_outside) == NOTHING[1:]


PROGRAM = """
import sys
from chatgpt_browser import {client}

options = dict(api_base_url=sys.argv[1] + "/api", backend_api_base_url=sys.argv[1] + "/backend-api")
{body}
"""
ENDINGS = {
    "raises SystemExit": "api = ChatGPTAPI(sys.argv[2], **options)\nprint(api.send_message('Hello'))\nraise SystemExit(7)",
    "ends during a reply": (
        "api = ChatGPTAPI(sys.argv[2], **options)\n"
        "stream = api.stream_message('hold')\nprint(next(stream))\nprint('left')"
    ),
    "sends in a thread": (
        "import threading\napi = ChatGPTAPI(sys.argv[2], **options)\n"
        "thread = threading.Thread(target=lambda: print(api.send_message('Hello')))\nthread.start()"
    ),
}


def run_program(server: FakeChatGPT, body: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(client="ChatGPTAPI", body=body)
    arguments = [sys.executable, "-W", "error", "-c", program, server.origin, server.session_token]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("how", ENDINGS)
def test_program_without_close_leaves_nothing(serve: Serve, leftovers: Leftovers, how: str) -> None:
    gate = Gate()
    hold = Reply("one two", hold_after=1, gate=gate)
    server = serve(reply=lambda turn: hold if turn.message == "hold" else f"You said {turn.message}")
    done = run_program(server, ENDINGS[how])

    assert done.stderr == ""
    assert done.returncode == (7 if how == "raises SystemExit" else 0)
    assert done.stdout == ("one\nleft\n" if "during" in how else "You said Hello\n")
    assert leftovers.find() == NOTHING


def test_async_program_without_close_leaves_no_process(serve: Serve, leftovers: Leftovers) -> None:
    """No event loop is left to close the client in; the driver ends when its parent process has ended."""
    server = serve()
    body = (
        "import asyncio\n"
        "async def main():\n"
        "    api = AsyncChatGPTAPI(sys.argv[2], **options)\n"
        "    print(await api.send_message('Hello'))\n"
        "asyncio.run(main())"
    )
    program = PROGRAM.format(client="AsyncChatGPTAPI", body=body)
    arguments = [sys.executable, "-c", program, server.origin, server.session_token]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout) == (0, 'You said: "Hello".\n')
    assert leftovers.find()[:2] == NOTHING[:2]
