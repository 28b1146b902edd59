"""A server and a browser that many tests share, and makers of others for those that can't."""

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
        """Start a server of the test's own."""
        ...


class Connect(Protocol):
    def __call__(self, server: FakeChatGPT, session_token: Any = ..., **options: Any) -> ChatGPTAPI:
        """Make a client of the test's own; its session token is the server's unless it is given."""
        ...


class Pair:
    """The shared server and its clients; made anew after a test has left them broken."""

    def __init__(self) -> None:
        self.scripted_site = ScriptedSite()
        self.scripted_site.server.start()
        self.api = ChatGPTAPI(self.scripted_site.server.session_token, **base_urls(self.scripted_site.server))

    def close(self) -> None:
        self.api.close()
        self.scripted_site.server.close()


class _Shared:
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
    shared = _Shared()
    yield shared
    shared.drop()


@pytest.fixture
def pair(shared: _Shared) -> Iterator[Pair]:
    pair = shared.take()
    pair.scripted_site.begin()
    yield pair
    try:
        healthy = can_send(pair.api)
    except Exception:
        healthy = False
    if not healthy:
        shared.drop()
    assert healthy, "the test has left a client that does not work any more"
    assert pair.scripted_site.server.errors == []


@pytest.fixture
def scripted_site(pair: Pair) -> ScriptedSite:
    """The shared server."""
    return pair.scripted_site


@pytest.fixture
def api(pair: Pair) -> ChatGPTAPI:
    """The shared client of ``scripted_site``."""
    return pair.api


@pytest.fixture(scope="module")
async def async_pair(anyio_backend: str) -> AsyncIterator[tuple[ScriptedSite, AsyncChatGPTAPI]]:
    scripted_site = ScriptedSite()
    with scripted_site.server as server:
        async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
            yield scripted_site, api


@pytest.fixture
def async_scripted_site(async_pair: tuple[ScriptedSite, AsyncChatGPTAPI]) -> ScriptedSite:
    """The server that a module's asynchronous tests share."""
    async_pair[0].begin()
    return async_pair[0]


@pytest.fixture
def async_api(async_pair: tuple[ScriptedSite, AsyncChatGPTAPI]) -> AsyncChatGPTAPI:
    """The client of ``async_scene``."""
    return async_pair[1]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(**options: Any) -> FakeChatGPT:
            return stack.enter_context(FakeChatGPT(**options))

        yield start


@pytest.fixture
def connect(serve: Serve) -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(server: FakeChatGPT, session_token: Any = ..., **options: Any) -> ChatGPTAPI:
            token = server.session_token if session_token is ... else session_token
            return stack.enter_context(ChatGPTAPI(token, **base_urls(server) | options))

        yield make
