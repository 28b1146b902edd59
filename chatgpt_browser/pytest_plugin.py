"""Fixtures for tests of programs that use `chatgpt_browser`: a fake ChatGPT, and clients that talk to it.

pytest loads this module in each of its runs once the package is installed, so it imports next to nothing;
each fixture imports what it needs.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT


@pytest.fixture
def chatgpt_server() -> Iterator[FakeChatGPT]:
    """A fake ChatGPT of this test's own, on a free port of this machine."""
    from chatgpt_browser.testing import FakeChatGPT

    with FakeChatGPT() as server:
        yield server


@pytest.fixture
def chatgpt_options() -> dict[str, Any]:
    """Options for the clients of `chatgpt_api` and `async_chatgpt_api`; made to be overridden."""
    return {}


@pytest.fixture
def chatgpt_api(chatgpt_server: FakeChatGPT, chatgpt_options: dict[str, Any]) -> Iterator[ChatGPTAPI]:
    """A client of `chatgpt_server`; its browser starts with the first call that needs it."""
    from chatgpt_browser import ChatGPTAPI

    with ChatGPTAPI(**_arguments(chatgpt_server, chatgpt_options)) as api:
        yield api


@pytest.fixture
def async_chatgpt_api(
    request: pytest.FixtureRequest, chatgpt_server: FakeChatGPT, chatgpt_options: dict[str, Any]
) -> Iterator[AsyncChatGPTAPI]:
    """An asynchronous client of `chatgpt_server`, closed at the end of the test that uses it.

    It works alike under anyio's plugin and under pytest-asyncio, in either mode of each. A synchronous
    test that drives a loop of its own closes the client itself, in that loop.
    """
    from chatgpt_browser import AsyncChatGPTAPI

    api = AsyncChatGPTAPI(**_arguments(chatgpt_server, chatgpt_options))
    # A client lives in one event loop and has to be closed in it. An asynchronous fixture would have to
    # choose one of the plugins, and with either the other's loop would be the wrong one. The test itself
    # is in the right loop whoever runs it, so the close goes there: into the function about to be run.
    item = request.node
    test = getattr(item, "obj", None)
    if not inspect.iscoroutinefunction(test):
        yield api
        return

    item.obj = _closing(api, test)
    yield api
    item.obj = test


def _arguments(server: FakeChatGPT, options: dict[str, Any]) -> dict[str, Any]:
    """Give the constructor's arguments: where the server is, unless the options say otherwise."""
    where = {
        "session_token": server.session_token,
        "api_base_url": server.api_base_url,
        "backend_api_base_url": server.backend_api_base_url,
    }
    return where | options


def _closing(api: AsyncChatGPTAPI, test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def closing(*args: Any, **kwargs: Any) -> None:
        try:
            await test(*args, **kwargs)
        finally:
            await api.close()

    return closing
