"""Remote browsers: Playwright servers and a Chromium with a debugging port, on this machine."""

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
from chatgpt_browser._browser.endpoint_pool import ENDPOINTS, EndpointPool
from chatgpt_browser._browser.remote import connect
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser._core.urls import BrowserURL
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply, Turn, remember
from tests.support.remote_browsers import (
    SERVER_OPTIONS,
    RemoteBrowser,
    SeleniumHub,
    http_url,
    page_ids,
    start_playwright_server,
)
from tests.support.scripted_site import base_urls, can_send, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import BrowserType


@pytest.fixture(autouse=True)
def forget_failures() -> None:
    """Forget the failures of endpoints that an earlier test has reported."""
    ENDPOINTS._failed_at.clear()


def create_client(server: FakeChatGPT, *urls: str, **options: Any) -> ChatGPTAPI:
    server_options = SERVER_OPTIONS if any(url.startswith("ws") for url in urls) else {}
    url = urls[0] if len(urls) == 1 else list(urls)
    return ChatGPTAPI(server.session_token, **base_urls(server), browser_url=url, **server_options | options)


# ---- one browser -------------------------------------------------------------------------------------------------------


def test_client_in_remote_chromium_leaves_browser_and_other_pages(
    remote_chromium: RemoteBrowser, server: FakeChatGPT
) -> None:
    """Closing the client closes its own context only."""
    before = page_ids(remote_chromium)
    with create_client(server, http_url(remote_chromium)) as api:
        assert api.send_message("Hello") == 'You said: "Hello".'
        assert len(page_ids(remote_chromium)) == len(before) + 1
    assert remote_chromium.is_up
    assert page_ids(remote_chromium) == before


def test_two_clients_in_one_browser_have_separate_cookies(remote_chromium: RemoteBrowser) -> None:
    with FakeChatGPT() as one, FakeChatGPT(session_token="another") as other:
        with (
            create_client(one, http_url(remote_chromium)) as first,
            create_client(other, remote_chromium.url) as second,
        ):
            assert can_send(first)
            assert can_send(second)
            assert first.session_token != second.session_token


def test_client_of_playwright_server_leaves_server_running(
    playwright_server: RemoteBrowser, server: FakeChatGPT
) -> None:
    with create_client(server, playwright_server.url) as api:
        assert can_send(api)
    assert playwright_server.is_up


def test_selenium_grid_gets_session_back(
    remote_chromium: RemoteBrowser, server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Playwright's driver itself supports Selenium Grid: it reads the environment variable."""
    with SeleniumHub(remote_chromium.url) as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        monkeypatch.setenv("SELENIUM_REMOTE_URL", hub.url)
        with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
            assert can_send(api)
        hub.shutdown()
        thread.join()
    assert hub.calls[0] == "POST /session"
    assert {*hub.calls[1:]} == {"DELETE /session/one"}, "the session is deleted"


# ---- failed connections -------------------------------------------------------------------------------------------------


@contextmanager
def serving(response: bytes) -> Iterator[str]:
    """Run a server that sends the same response to every client; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(response)

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
OTHER_SERVER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


async def connect_error(chromium: BrowserType, url: str, **options: Any) -> BrowserError:
    """Return the error of a connection to a URL."""
    with pytest.raises(BrowserError) as caught:
        await connect(chromium, default_options(browser_url=url, **options))
    return caught.value


@pytest.mark.anyio
async def test_failed_connection_raises_error_with_address_and_reason(
    playwright_server: RemoteBrowser,
) -> None:
    """The error contains the address and the reason, but no password, path or query of the URL."""
    async with async_playwright() as playwright:
        for response, scheme, expected in [
            (MISMATCH, "ws", "has version 1.50, but this Playwright has version 1.65"),
            (REFUSED, "ws", "401 Unauthorized"),
            (OTHER_SERVER, "ws", "200 OK"),
            (OTHER_SERVER, "http", "not valid JSON"),
            (b"", "ws", "socket hang up"),
        ]:
            with serving(response) as place:
                url = f"{scheme}://user:a-password@{place}/a-secret/?token=a-secret"
                error = await connect_error(playwright.chromium, url, launch_timeout=10_000)
            assert type(error) is BrowserLaunchError
            assert expected in str(error)
            assert f"{scheme}://{place}" in str(error)
            assert_no_secret_in(error)

        for url in ("ws://127.0.0.1:1", "http://127.0.0.1:1", "ws://127.0.0.1:1/devtools/browser/x"):
            assert "ECONNREFUSED" in str(await connect_error(playwright.chromium, url))

        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
            error = await connect_error(playwright.chromium, url, launch_timeout=200)
            assert "did not respond in time" in str(error)

        error = await connect_error(
            playwright.chromium, playwright_server.url, executable_path="/nowhere/chromium"
        )
        assert isinstance(error, BrowserNotFoundError)
        assert "has no Chromium. Run `chatgpt-browser install`" in str(error)


def assert_no_secret_in(error: BrowserError) -> None:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if frame.f_code.co_filename != __file__]
    shown = str(error) + repr([frame.f_locals for frame in ours])
    assert len(ours) >= 2
    assert "a-secret" not in shown and "a-password" not in shown
    assert error.__cause__ is None and error.__suppress_context__


# ---- several browsers ---------------------------------------------------------------------------------------------------


def test_pool_prefers_least_busy_browser_without_recent_failure() -> None:
    now, pool = [100.0], EndpointPool[str](clock=lambda: now[0], tie_breaker=lambda: 0.5)
    urls = ["a", "b", "c"]
    assert [pool.acquire(urls) for _ in range(4)] == ["a", "b", "c", "a"]
    pool.release("b")
    assert pool.acquire(urls) == "b"

    pool.report_failure("b")
    assert [pool.acquire(urls) for _ in range(3)] == ["c", "a", "c"]
    assert pool.acquire(urls, tried=["a", "c"]) == "b", "the only one that has not been tried"
    assert pool.acquire(urls, tried=urls) is None
    pool.report_failure("b")
    now[0] += 10
    pool.report_failure("c")
    assert pool.acquire(urls, tried=["a"]) == "b", "its failure is older"
    pool.release("b")
    now[0] += 25
    assert pool.acquire(urls) == "b", "its failure has expired"
    pool.release("b")
    pool.report_success("c")
    assert pool.acquire(urls) == "b"


def test_pool_breaks_ties_at_random() -> None:
    numbers = iter([0.9, 0.1, 0.5])
    assert EndpointPool[str](tie_breaker=lambda: next(numbers)).acquire(["a", "b", "c"]) == "b"


def test_lost_connection_raises_error_with_partial_text_and_next_call_uses_other_browser(
    server: FakeChatGPT, remote_chromium: RemoteBrowser
) -> None:
    server.script(Reply("one two three", hold_after=2, gate=Gate()))
    with start_playwright_server() as lost, create_client(server, lost.url, http_url(remote_chromium)) as api:
        ENDPOINTS._clients[BrowserURL(http_url(remote_chromium))] += 1  # another client uses it
        with api.stream_message("Hello") as stream:
            assert next(stream) + next(stream) == "one two"
            lost.kill()
            with pytest.raises(BrowserCrashedError) as caught:
                next(stream)
        assert caught.value.partial_text == "one two"
        assert can_send(api)
        ENDPOINTS._clients[BrowserURL(http_url(remote_chromium))] -= 1
    assert ENDPOINTS._clients[BrowserURL(http_url(remote_chromium))] == 0


class Worker(threading.Thread):
    """A thread that sends the messages of one client and stores the reply or the error of each."""

    def __init__(self, api: ChatGPTAPI, name: str, count: int) -> None:
        super().__init__()
        self.api, self.messages = api, [f"{name}.{number}" for number in range(count)]
        self.outcomes: dict[str, str | ChatGPTError] = {}

    def run(self) -> None:
        for result in self.api.send_many(self.messages, timeout_ms=20_000):
            self.outcomes[result.message.text] = result.reply or result.error  # type: ignore[assignment]


@pytest.mark.long
def test_killed_browser_under_load_loses_and_doubles_no_message(
    remote_chromium: RemoteBrowser, playwright_server: RemoteBrowser
) -> None:
    """Each message has one reply, or one error of the client that used the killed browser."""

    def reply(turn: Turn) -> Reply:
        return Reply(remember(turn), interval=5)

    with ExitStack() as stack:
        server = stack.enter_context(FakeChatGPT(reply=reply))
        killed = stack.enter_context(start_playwright_server())
        urls = [playwright_server.url, killed.url, http_url(remote_chromium)]
        clients = [stack.enter_context(create_client(server, *urls)) for _ in range(3)]
        for api in clients:
            api.start()
        assert [ENDPOINTS._clients[BrowserURL(url)] for url in urls] == [1, 1, 1], (
            "one client at each browser"
        )

        workers = [Worker(api, f"w{number}", 10) for number, api in enumerate(clients)]
        for worker in workers:
            worker.start()
        server.wait_for_request("/conversation", "POST", count=6, timeout=20)
        killed.kill()
        for worker in workers:
            worker.join(50)
        assert [ENDPOINTS._clients[BrowserURL(url)] for url in urls][1] == 0

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
