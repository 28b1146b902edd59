"""A server and a browser that many tests share, and makers of others for those that can't."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT
from tests.support.scripted_site import Scene, where, works

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
        self.scene = Scene()
        self.scene.server.start()
        self.api = ChatGPTAPI(self.scene.server.session_token, **where(self.scene.server))

    def close(self) -> None:
        self.api.close()
        self.scene.server.close()


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
    pair.scene.begin()
    yield pair
    try:
        healthy = works(pair.api)
    except Exception:
        healthy = False
    if not healthy:
        shared.drop()
    assert healthy, "the test has left a client that does not work any more"
    assert pair.scene.server.errors == []


@pytest.fixture
def scene(pair: Pair) -> Scene:
    """The shared server."""
    return pair.scene


@pytest.fixture
def api(pair: Pair) -> ChatGPTAPI:
    """The shared client of ``scene``."""
    return pair.api


@pytest.fixture(scope="module")
async def async_pair(anyio_backend: str) -> AsyncIterator[tuple[Scene, AsyncChatGPTAPI]]:
    scene = Scene()
    with scene.server as server:
        async with AsyncChatGPTAPI(server.session_token, **where(server)) as api:
            yield scene, api


@pytest.fixture
def async_scene(async_pair: tuple[Scene, AsyncChatGPTAPI]) -> Scene:
    """The server that a module's asynchronous tests share."""
    async_pair[0].begin()
    return async_pair[0]


@pytest.fixture
def async_api(async_pair: tuple[Scene, AsyncChatGPTAPI]) -> AsyncChatGPTAPI:
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
            return stack.enter_context(ChatGPTAPI(token, **where(server) | options))

        yield make
