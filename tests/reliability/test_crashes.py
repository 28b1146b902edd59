"""Crashes of renderer, browser, driver or page: each call raises at most one typed error, and the next call works."""

from __future__ import annotations

import gc
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from chatgpt_browser import BrowserCrashedError, BrowserError, ChatGPTAPI, ClientClosedError
from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply, Stall
from tests.support.client_processes import Mark, client_threads, folders, posts_by_message, until
from tests.support.processes import still_running
from tests.support.scripted_site import base_urls, can_send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.client_fixtures import Connect, Serve

KILL: dict[str, Callable[[Mark], None]] = {
    "renderer": Mark.kill_renderers,
    "browser": Mark.kill_browser,
    "driver": Mark.kill_driver,
}


class KillableClient:
    """A client whose renderer, browser or driver can be killed."""

    def __init__(self, process: str) -> None:
        self._kill_process = KILL[process]
        self.mark = Mark()
        self.server = FakeChatGPT(reply="Reply.", rotate_session_token=True).start()
        self.api = ChatGPTAPI(
            self.server.session_token, **base_urls(self.server), browser_args=[self.mark.argument]
        )
        self.api.start()

    def kill(self) -> None:
        self._kill_process(self.mark)

    def has_noticed_crash(self) -> bool:
        """Return whether the client has noticed the crash."""
        page = self.api._core._browser_manager._page
        return page is None or page.dead is not None

    def assert_can_send(self) -> None:
        assert self.api.send_message("Hello", timeout_ms=60_000) == "Reply."


@pytest.fixture(scope="module", params=KILL)
def killable(request: pytest.FixtureRequest, temporary_folder: Path) -> Iterator[KillableClient]:
    """One client for all tests of a process; at the end no thread and no folder may remain."""
    folders_before, threads_before = folders(temporary_folder), client_threads()
    killable = KillableClient(request.param)
    yield killable
    killable.api.close()
    killable.server.close()
    assert killable.server.errors == []
    assert client_threads() == threads_before
    assert_no_folder(temporary_folder, folders_before, driver_killed=request.param == "driver")


def assert_no_folder(place: Path, before: list[str], *, driver_killed: bool) -> None:
    """Fail if a new folder remains. A killed driver leaves one empty folder for traces, whose name only the driver had."""
    left = [name for name in folders(place) if name not in before]
    if driver_killed:
        left = [
            name
            for name in left
            if not name.startswith("playwright-artifacts-") or any((place / name).iterdir())
        ]
    assert left == []


def test_crash_between_messages_restarts_with_newest_session_token(killable: KillableClient) -> None:
    """The new browser sends the session token that the site has set since the start of the first browser."""
    killable.assert_can_send()
    newest = killable.api.session_token
    assert newest == killable.server.session_token
    seen = len(killable.server.requests)
    killable.kill()
    until(killable.has_noticed_crash)

    killable.assert_can_send()
    assert killable.server.requests[seen].cookies["next-auth.session-token"] == newest


def test_crash_during_replies_raises_with_each_partial_text(killable: KillableClient) -> None:
    """Each call raises an error with its own partial text."""
    gates = [Gate(), Gate()]
    killable.server.script(
        *[Reply(pieces=[f"part {n}", " never"], hold_after=1, gate=g) for n, g in enumerate(gates)]
    )
    killable.api._core._sender.permits.limit = 2
    progress: list[str] = []

    def kill_at_progress(text: str) -> None:
        progress.append(text)
        killable.kill()

    with killable.api.stream_message("first") as first:
        assert next(first) == "part 0"
        with pytest.raises(BrowserCrashedError) as second_error:
            killable.api.send_message("second", on_progress=kill_at_progress, timeout_ms=60_000)
        with pytest.raises(BrowserCrashedError) as first_error:
            next(first)
    killable.api._core._sender.permits.limit = 1

    assert first_error.value.partial_text == "part 0"
    assert second_error.value.partial_text == "part 1"
    assert progress == ["part 1"]
    posts = posts_by_message(killable.server)
    assert posts["first"] == posts["second"] == 1
    killable.assert_can_send()


def test_crash_before_response_raises_browser_crashed(killable: KillableClient) -> None:
    killable.server.script(Stall(before_head=True))
    before = len(killable.server.requests)

    def kill_after_request() -> None:
        killable.server.wait_for_request("/conversation", "POST", 1 + posts_before, timeout=60)
        killable.kill()

    posts_before = sum(posts_by_message(killable.server).values())
    killer = threading.Thread(target=kill_after_request)
    killer.start()
    with pytest.raises(BrowserCrashedError) as caught:
        killable.api.send_message("before the answer", timeout_ms=60_000)
    killer.join()

    assert caught.value.partial_text == ""
    assert len(killable.server.requests) > before
    assert posts_by_message(killable.server)["before the answer"] == 1
    killable.assert_can_send()


def test_crash_just_before_close_leaves_no_process(killable: KillableClient) -> None:
    """The last test of the fixture, which then checks for remaining threads and folders."""
    processes = killable.mark.all()
    killable.kill()
    killable.api.close()

    assert still_running(processes) == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("process", KILL)
def test_crash_during_start_and_during_close_raises_typed_errors(
    process: str, serve: Serve, connect: Connect
) -> None:
    """The first kill happens while the page waits for the first response, the second one while ``close()`` ends a message."""
    mark, server, gate = Mark(), serve(), Gate()
    server.script_path("/api/auth/session", Stall(before_head=True, gate=gate))
    api = connect(server, browser_args=[mark.argument])
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(api.start)
        server.wait_for_request("/api/auth/session", timeout=60)
        KILL[process](mark)
        with pytest.raises(BrowserError):
            starting.result(60)
    gate.open()

    assert can_send(api)
    processes = mark.all()
    server.script(Stall())
    with ThreadPoolExecutor(2) as pool:
        under_way = pool.submit(api.send_message, "never answered")
        post = server.wait_for_request("/conversation", "POST", 2, timeout=60)
        closing = pool.submit(api.close)
        assert post.disconnected.wait(60)
        with suppress(psutil.Error, ValueError, AssertionError):  # the process may have ended
            KILL[process](mark)
        closing.result(60)
        assert isinstance(under_way.exception(60), ClientClosedError)
    assert still_running(processes) == []
    assert posts_by_message(server)["never answered"] == 1


@pytest.mark.long
def test_crash_of_driver_adds_nothing_to_the_asyncio_log(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Playwright keeps a second exception, which asyncio would otherwise log as never retrieved."""
    mark, server = Mark(), serve()
    api = connect(server, browser_args=[mark.argument])
    server.script(Reply(pieces=["one", " never"], hold_after=1, gate=Gate()))
    with pytest.raises(BrowserCrashedError):
        api.send_message("hello", on_progress=lambda _: mark.kill_driver(), timeout_ms=60_000)
    assert can_send(api)
    api.close()
    gc.collect()

    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


# ---- lost pages -----------------------------------------------------------------------


def test_page_closed_by_another_program_raises_browser_crashed(temporary_folder: Path) -> None:
    """The page is closed through the browser's remote debugging port."""
    import urllib.request

    mark, gate = Mark(), Gate()
    with FakeChatGPT(replies=[Reply(pieces=["one", " never"], hold_after=1, gate=gate)]) as server:
        options: dict[str, Any] = {"browser_args": [mark.argument, "--remote-debugging-port=0"]}
        with ChatGPTAPI(server.session_token, **base_urls(server), **options) as api:

            def close_page(_: str) -> None:
                port = _debugging_port(mark)
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = re.findall(r'"id": "(\w+)"', answer.read().decode())
                for page in pages:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/json/close/{page}").close()

            with pytest.raises(BrowserCrashedError) as caught:
                api.send_message("hello", on_progress=close_page, timeout_ms=60_000)

            assert caught.value.partial_text == "one"
            assert can_send(api)


def _debugging_port(mark: Mark) -> int:
    folder = next(
        argument.partition("=")[2]
        for argument in mark.browser().cmdline()
        if argument.startswith("--user-data-dir=")
    )
    with open(f"{folder}/DevToolsActivePort", encoding="ascii") as file:
        return int(file.readline())


LEAVING = """<!doctype html><script>
  fetch("/leave").then(() => { location = "/elsewhere"; });
</script>"""


def test_page_navigated_by_the_site_raises_browser_crashed(serve: Serve, connect: Connect) -> None:
    server, leave, gate = serve(), Gate(), Gate()
    server.script_path("/api/auth/session", Answer(200, LEAVING))
    server.script_path("/leave", Stall(before_head=True, gate=leave))
    server.script_path("/elsewhere", Answer(200, "<p>Another page."))
    server.script(Reply(pieces=["one", " never"], hold_after=1, gate=gate))
    api = connect(server)

    with pytest.raises(BrowserCrashedError) as caught:
        api.send_message("hello", on_progress=lambda _: leave.open(), timeout_ms=60_000)

    assert caught.value.partial_text == "one"
    assert posts_by_message(server)["hello"] == 1
    assert can_send(api)
