"""Fixtures: a fake server and a client that tests share, and factories for separate ones."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT
from tests.support.scripted_site import ScriptedSite, base_urls, can_send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Serve(Protocol):
    def __call__(self, **options: Any) -> FakeChatGPT:
        """Start a server for one test."""
        ...


class Connect(Protocol):
    def __call__(self, server: FakeChatGPT, session_token: Any = ..., **options: Any) -> ChatGPTAPI:
        """Return a new client of a server. By default it uses the server's session token."""
        ...


class Pair:
    """The shared server and its client. They are replaced after a test that leaves the client unusable."""

    def __init__(self) -> None:
        self.scripted_site = ScriptedSite()
        self.scripted_site.server.start()
        self.api = ChatGPTAPI(
            self.scripted_site.server.session_token, send_via="fetch", **base_urls(self.scripted_site.server)
        )
        self.api.start()  # so that no test's time limit includes the start of the browser

    def close(self) -> None:
        self.api.close()
        self.scripted_site.server.close()


class _Shared:
    """The current pair of server and client, created on first use."""

    pair: Pair | None = None

    def take(self) -> Pair:
        self.pair = self.pair or Pair()
        return self.pair

    def drop(self) -> None:
        pair, self.pair = self.pair, None
        if pair is not None:
            pair.close()


@pytest.fixture(scope="session")
def shared() -> Iterator[_Shared]:
    """Provide the shared pair for the whole run."""
    shared = _Shared()
    yield shared
    shared.drop()


@pytest.fixture
def pair(shared: _Shared) -> Iterator[Pair]:
    """Provide the shared pair for one test, and check afterwards that it still works."""
    pair = shared.take()
    pair.scripted_site.begin()
    yield pair
    try:
        healthy = can_send(pair.api)
    except Exception:
        healthy = False
    if not healthy:
        shared.drop()
    assert healthy, "the shared client does not work after this test"
    assert pair.scripted_site.server.errors == []


@pytest.fixture
def scripted_site(pair: Pair) -> ScriptedSite:
    """Return the shared server."""
    return pair.scripted_site


@pytest.fixture
def api(pair: Pair) -> ChatGPTAPI:
    """Return the shared client of ``scripted_site``."""
    return pair.api


@pytest.fixture(scope="module")
async def async_pair(anyio_backend: str) -> AsyncIterator[tuple[ScriptedSite, AsyncChatGPTAPI]]:
    """Provide a server and an asynchronous client for the tests of a module."""
    scripted_site = ScriptedSite()
    with scripted_site.server as server:
        async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
            await api.start()
            yield scripted_site, api


@pytest.fixture
def async_scripted_site(async_pair: tuple[ScriptedSite, AsyncChatGPTAPI]) -> ScriptedSite:
    """Return the server that the asynchronous tests of a module share."""
    async_pair[0].begin()
    return async_pair[0]


@pytest.fixture
def async_api(async_pair: tuple[ScriptedSite, AsyncChatGPTAPI]) -> AsyncChatGPTAPI:
    """Return the client of ``async_scripted_site``."""
    return async_pair[1]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Provide a factory for servers."""
    with ExitStack() as stack:

        def start(**options: Any) -> FakeChatGPT:
            return stack.enter_context(FakeChatGPT(**options))

        yield start


@pytest.fixture
def connect(serve: Serve) -> Iterator[Connect]:
    """Provide a factory for clients."""
    with ExitStack() as stack:

        def make(server: FakeChatGPT, session_token: Any = ..., **options: Any) -> ChatGPTAPI:
            token = server.session_token if session_token is ... else session_token
            return stack.enter_context(ChatGPTAPI(token, **base_urls(server) | options))

        yield make
