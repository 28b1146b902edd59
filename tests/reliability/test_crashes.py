"""The renderer, the browser, the driver or the page dies: one typed error at most, and the next call works by itself."""

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

WAYS: dict[str, Callable[[Mark], None]] = {
    "renderer": Mark.kill_renderers,
    "browser": Mark.kill_browser,
    "driver": Mark.kill_driver,
}


class Patient:
    """A client that is killed again and again."""

    def __init__(self, way: str) -> None:
        self._kill = WAYS[way]
        self.mark = Mark()
        self.server = FakeChatGPT(reply="Here I am.", rotate_session_token=True).start()
        self.api = ChatGPTAPI(
            self.server.session_token, **base_urls(self.server), browser_args=[self.mark.argument]
        )
        self.api.start()

    def die(self) -> None:
        self._kill(self.mark)

    def knows(self) -> bool:
        """Whether the client has noticed."""
        page = self.api._core._browser_manager._page
        return page is None or page.dead is not None

    def assert_well(self) -> None:
        assert self.api.send_message("Are you there?", timeout_ms=20_000) == "Here I am."


@pytest.fixture(scope="module", params=WAYS)
def patient(request: pytest.FixtureRequest, temporary_folder: Path) -> Iterator[Patient]:
    """One client goes through all that follows, and leaves nothing behind."""
    folders_before, threads_before = folders(temporary_folder), client_threads()
    patient = Patient(request.param)
    yield patient
    patient.api.close()
    patient.server.close()
    assert patient.server.errors == []
    assert client_threads() == threads_before
    assert_no_folder(temporary_folder, folders_before, driver_killed=request.param == "driver")


def assert_no_folder(place: Path, before: list[str], *, driver_killed: bool) -> None:
    """A driver that is killed leaves one folder behind whose name nobody else knows: empty, for traces that nobody made."""
    left = [name for name in folders(place) if name not in before]
    if driver_killed:
        left = [
            name
            for name in left
            if not name.startswith("playwright-artifacts-") or any((place / name).iterdir())
        ]
    assert left == []


def test_between_messages(patient: Patient) -> None:
    """The next browser has what the site has made of the session token since the first one's start."""
    patient.assert_well()
    newest = patient.api.session_token
    assert newest == patient.server.session_token
    seen = len(patient.server.requests)
    patient.die()
    until(patient.knows)

    patient.assert_well()
    assert patient.server.requests[seen].cookies["next-auth.session-token"] == newest


def test_in_the_middle_of_replies(patient: Patient) -> None:
    """Each of the calls gets its own part, and an error of its own."""
    gates = [Gate(), Gate()]
    patient.server.script(
        *[Reply(pieces=[f"part {n}", " never"], hold_after=1, gate=g) for n, g in enumerate(gates)]
    )
    patient.api._core._sender.permits.limit = 2
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        patient.die()

    with patient.api.stream_message("first") as first:
        assert next(first) == "part 0"
        with pytest.raises(BrowserCrashedError) as second_error:
            patient.api.send_message("second", on_progress=hear, timeout_ms=10_000)
        with pytest.raises(BrowserCrashedError) as first_error:
            next(first)
    patient.api._core._sender.permits.limit = 1

    assert first_error.value.partial_text == "part 0"
    assert second_error.value.partial_text == "part 1"
    assert heard == ["part 1"]
    posts = posts_by_message(patient.server)
    assert posts["first"] == posts["second"] == 1
    patient.assert_well()


def test_before_the_answer(patient: Patient) -> None:
    patient.server.script(Stall(before_head=True))
    before = len(patient.server.requests)

    def die() -> None:
        patient.server.wait_for_request("/conversation", "POST", 1 + posts_before)
        patient.die()

    posts_before = sum(posts_by_message(patient.server).values())
    killer = threading.Thread(target=die)
    killer.start()
    with pytest.raises(BrowserCrashedError) as caught:
        patient.api.send_message("before the answer", timeout_ms=10_000)
    killer.join()

    assert caught.value.partial_text == ""
    assert len(patient.server.requests) > before
    assert posts_by_message(patient.server)["before the answer"] == 1
    patient.assert_well()


def test_just_before_closing(patient: Patient) -> None:
    """The last of the patient's deaths. What else it may have left behind, its fixture looks for."""
    processes = patient.mark.all()
    patient.die()
    patient.api.close()

    assert still_running(processes) == []


@pytest.mark.parametrize("way", WAYS)
def test_while_starting_and_while_closing(way: str, serve: Serve, connect: Connect) -> None:
    """The page waits for the site's first answer when it happens; in the end the message under way has just been let go."""
    mark, server, gate = Mark(), serve(), Gate()
    server.script_path("/api/auth/session", Stall(before_head=True, gate=gate))
    api = connect(server, browser_args=[mark.argument])
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(api.start)
        server.wait_for_request("/api/auth/session")
        WAYS[way](mark)
        with pytest.raises(BrowserError):
            starting.result(20)
    gate.open()

    assert can_send(api)
    processes = mark.all()
    server.script(Stall())
    with ThreadPoolExecutor(2) as pool:
        under_way = pool.submit(api.send_message, "never answered")
        post = server.wait_for_request("/conversation", "POST", 2)
        closing = pool.submit(api.close)
        assert post.disconnected.wait(10)
        with suppress(psutil.Error, ValueError, AssertionError):  # it may have ended already
            WAYS[way](mark)
        closing.result(20)
        assert isinstance(under_way.exception(20), ClientClosedError)
    assert still_running(processes) == []
    assert posts_by_message(server)["never answered"] == 1


def test_the_drivers_death_is_told_by_our_error_alone(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Playwright keeps another one, which asyncio would log as never retrieved: words that mean nothing to anybody."""
    mark, server = Mark(), serve()
    api = connect(server, browser_args=[mark.argument])
    server.script(Reply(pieces=["one", " never"], hold_after=1, gate=Gate()))
    with pytest.raises(BrowserCrashedError):
        api.send_message("hello", on_progress=lambda _: mark.kill_driver(), timeout_ms=10_000)
    assert can_send(api)
    api.close()
    gc.collect()

    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


# ---- the page, and not a process, is what goes -----------------------------------------------------------------------


def test_the_page_is_closed_by_somebody_else(temporary_folder: Path) -> None:
    """Somebody closes the page over the browser's own port for debugging."""
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
                api.send_message("hello", on_progress=close_page, timeout_ms=10_000)

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


def test_the_site_takes_the_page_elsewhere(serve: Serve, connect: Connect) -> None:
    server, leave, gate = serve(), Gate(), Gate()
    server.script_path("/api/auth/session", Answer(200, LEAVING))
    server.script_path("/leave", Stall(before_head=True, gate=leave))
    server.script_path("/elsewhere", Answer(200, "<p>Somewhere else."))
    server.script(Reply(pieces=["one", " never"], hold_after=1, gate=gate))
    api = connect(server)

    with pytest.raises(BrowserCrashedError) as caught:
        api.send_message("hello", on_progress=lambda _: leave.open(), timeout_ms=10_000)

    assert caught.value.partial_text == "one"
    assert posts_by_message(server)["hello"] == 1
    assert can_send(api)
