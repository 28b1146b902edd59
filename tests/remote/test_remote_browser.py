"""Browsers that somebody else runs: two Playwright servers and a Chromium with a debugging port, on this machine."""

from __future__ import annotations

import socket
import threading
import traceback
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import async_playwright

from chatgpt_browser import (
    BrowserCrashedError,
    BrowserError,
    BrowserLaunchError,
    BrowserNotFoundError,
    ChatGPTAPI,
    ChatGPTError,
)
from chatgpt_browser._browser.endpoint_pool import FLEET, EndpointPool
from chatgpt_browser._browser.remote import connect
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser._core.urls import BrowserURL
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply, Turn, remember
from tests.support.remote_browsers import (
    OVER_THERE,
    Machine,
    SeleniumHub,
    http_of,
    playwright_server,
    targets,
)
from tests.support.scripted_site import base_urls, can_send, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import BrowserType


@pytest.fixture(autouse=True)
def rested() -> None:
    """What one test found dead is another's to try."""
    FLEET._failed_at.clear()


def client(server: FakeChatGPT, *urls: str, **options: Any) -> ChatGPTAPI:
    there = OVER_THERE if any(url.startswith("ws") for url in urls) else {}
    url = urls[0] if len(urls) == 1 else list(urls)
    return ChatGPTAPI(server.session_token, **base_urls(server), browser_url=url, **there | options)


# ---- one browser -------------------------------------------------------------------------------------------------------


def test_a_chromium_of_somebodys(somebodys: Machine, server: FakeChatGPT) -> None:
    """The context is ours and goes with us; the browser, and what else is open in it, is left alone."""
    before = targets(somebodys)
    with client(server, http_of(somebodys)) as api:
        assert api.send_message("Hello") == 'You said: "Hello".'
        assert len(targets(somebodys)) == len(before) + 1
    assert somebodys.is_up
    assert targets(somebodys) == before


def test_two_clients_in_one_browser_have_a_jar_each(somebodys: Machine) -> None:
    with FakeChatGPT() as one, FakeChatGPT(session_token="another") as other:
        with client(one, http_of(somebodys)) as first, client(other, somebodys.url) as second:
            assert can_send(first)
            assert can_send(second)
            assert first.session_token != second.session_token


def test_a_playwright_server(playwrights: Machine, server: FakeChatGPT) -> None:
    with client(server, playwrights.url) as api:
        assert can_send(api)
    assert playwrights.is_up


def test_selenium_grid(somebodys: Machine, server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Playwright's own support: its driver reads the variable."""
    with SeleniumHub(somebodys.url) as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        monkeypatch.setenv("SELENIUM_REMOTE_URL", hub.url)
        with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
            assert can_send(api)
        hub.shutdown()
        thread.join()
    assert hub.calls[0] == "POST /session"
    assert {*hub.calls[1:]} == {"DELETE /session/one"}, "the grid has its browser back"


# ---- none ---------------------------------------------------------------------------------------------------------------


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that gives everyone the same answer; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


MISMATCH = b"""HTTP/1.1 428 Precondition Required\r\n\r
Playwright version mismatch:
  - server version: v1.50
  - client version: v1.65
"""
REFUSED = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"
ELSE = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


async def failure(chromium: BrowserType, url: str, **options: Any) -> BrowserError:
    """What connecting to a URL ends in."""
    with pytest.raises(BrowserError) as caught:
        await connect(chromium, default_options(browser_url=url, **options))
    return caught.value


@pytest.mark.anyio
async def test_what_is_no_browser(playwrights: Machine) -> None:
    """Each is a typed error that says where and why, and nothing of what else the URL holds."""
    async with async_playwright() as playwright:
        for answer, scheme, says in [
            (MISMATCH, "ws", "is of version 1.50, and Playwright here of 1.65"),
            (REFUSED, "ws", "401 Unauthorized"),
            (ELSE, "ws", "200 OK"),
            (ELSE, "http", "not valid JSON"),
            (b"", "ws", "socket hang up"),
        ]:
            with answering(answer) as place:
                url = f"{scheme}://user:a-password@{place}/a-secret/?token=a-secret"
                error = await failure(playwright.chromium, url, launch_timeout=10_000)
            assert type(error) is BrowserLaunchError
            assert says in str(error)
            assert f"{scheme}://{place}" in str(error)
            assert_shows_nothing(error)

        for url in ("ws://127.0.0.1:1", "http://127.0.0.1:1", "ws://127.0.0.1:1/devtools/browser/x"):
            assert "ECONNREFUSED" in str(await failure(playwright.chromium, url))

        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
            error = await failure(playwright.chromium, url, launch_timeout=200)
            assert "did not answer in time" in str(error)

        error = await failure(playwright.chromium, playwrights.url, executable_path="/nowhere/chromium")
        assert isinstance(error, BrowserNotFoundError)
        assert "there, run" in str(error)


def assert_shows_nothing(error: BrowserError) -> None:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if frame.f_code.co_filename != __file__]
    shown = str(error) + repr([frame.f_locals for frame in ours])
    assert len(ours) >= 2
    assert "a-secret" not in shown and "a-password" not in shown
    assert error.__cause__ is None and error.__suppress_context__


# ---- several, and one that dies ----------------------------------------------------------------------------------------


def test_the_least_busy_and_no_dead_one() -> None:
    now, fleet = [100.0], EndpointPool[str](clock=lambda: now[0], chance=lambda: 0.5)
    urls = ["a", "b", "c"]
    assert [fleet.take(urls) for _ in range(4)] == ["a", "b", "c", "a"]
    fleet.leave("b")
    assert fleet.take(urls) == "b"

    fleet.fail("b")  # it does not answer any more
    assert [fleet.take(urls) for _ in range(3)] == ["c", "a", "c"]
    assert fleet.take(urls, tried=["a", "c"]) == "b", "where no other is left, it is tried all the same"
    assert fleet.take(urls, tried=urls) is None
    fleet.fail("b")
    now[0] += 10
    fleet.fail("c")
    assert fleet.take(urls, tried=["a"]) == "b", "it has rested longer"
    fleet.leave("b")
    now[0] += 25
    assert fleet.take(urls) == "b", "after a rest it is one of them again"
    fleet.leave("b")
    fleet.answer("c")
    assert fleet.take(urls) == "b"


def test_chance_decides_between_equals() -> None:
    numbers = iter([0.9, 0.1, 0.5])
    assert EndpointPool[str](chance=lambda: next(numbers)).take(["a", "b", "c"]) == "b"


def test_a_connection_lost_in_the_middle(server: FakeChatGPT, somebodys: Machine) -> None:
    """A typed error with what had come; the next call goes to another browser."""
    server.script(Reply("one two three", hold_after=2, gate=Gate()))
    with playwright_server() as machine, client(server, machine.url, http_of(somebodys)) as api:
        FLEET._clients[BrowserURL(http_of(somebodys))] += 1  # somebody is there already
        with api.stream_message("Hello") as stream:
            assert next(stream) + next(stream) == "one two"
            machine.kill()
            with pytest.raises(BrowserCrashedError) as caught:
                next(stream)
        assert caught.value.partial_text == "one two"
        assert can_send(api)
        FLEET._clients[BrowserURL(http_of(somebodys))] -= 1
    assert FLEET._clients[BrowserURL(http_of(somebodys))] == 0


class Worker(threading.Thread):
    """A client that sends its messages, each once, and keeps what became of it."""

    def __init__(self, api: ChatGPTAPI, name: str, count: int) -> None:
        super().__init__()
        self.api, self.messages = api, [f"{name}.{number}" for number in range(count)]
        self.outcomes: dict[str, str | ChatGPTError] = {}

    def run(self) -> None:
        for result in self.api.send_many(self.messages, timeout_ms=20_000):
            self.outcomes[result.message.text] = result.reply or result.error  # type: ignore[assignment]


def test_one_of_three_is_killed_under_load(somebodys: Machine, playwrights: Machine) -> None:
    """Nothing is lost and nothing doubled: each message has one reply, or one error of the client that was there."""

    def reply(turn: Turn) -> Reply:
        return Reply(remember(turn), interval=5)

    with ExitStack() as stack:
        server = stack.enter_context(FakeChatGPT(reply=reply))
        victim = stack.enter_context(playwright_server())
        urls = [playwrights.url, victim.url, http_of(somebodys)]
        clients = [stack.enter_context(client(server, *urls)) for _ in range(3)]
        for api in clients:
            api.start()
        assert [FLEET._clients[BrowserURL(url)] for url in urls] == [1, 1, 1], "they spread"

        workers = [Worker(api, f"w{number}", 10) for number, api in enumerate(clients)]
        for worker in workers:
            worker.start()
        server.wait_for_request("/conversation", "POST", count=6, timeout=20)
        victim.kill()
        for worker in workers:
            worker.join(40)
        assert [FLEET._clients[BrowserURL(url)] for url in urls][1] == 0

    outcomes = {message: outcome for worker in workers for message, outcome in worker.outcomes.items()}
    assert len(outcomes) == 30
    errors = [outcome for outcome in outcomes.values() if isinstance(outcome, ChatGPTError)]
    assert [type(error) for error in errors] in ([BrowserCrashedError], [])
    assert all(
        outcome == f'You said: "{message}".' for message, outcome in outcomes.items() if outcome not in errors
    )
    sent = [post.json["messages"][0]["content"]["parts"][0] for post in posts_of(server.requests)]
    assert len(sent) == len({*sent}), "no message was sent twice"
    assert {*sent} >= {message for message, outcome in outcomes.items() if outcome not in errors}
