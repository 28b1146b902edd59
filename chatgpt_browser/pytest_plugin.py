"""Fixtures for tests of programs that use `chatgpt_browser`: a fake ChatGPT, and clients that talk to it.

pytest loads this module in each of its runs once the package is installed, so it imports next to nothing;
each fixture imports what it needs. Of pytest-playwright's options it follows `--screenshot`, `--tracing` and
`--output`, where that plugin is there.
"""

from __future__ import annotations

import functools
import inspect
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator

    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT

_LIVE = "chatgpt_live"
_TOKEN = "CHATGPT_SESSION_TOKEN"
_BASE_URLS = {
    "api_base_url": "CHATGPT_API_BASE_URL",
    "backend_api_base_url": "CHATGPT_BACKEND_API_BASE_URL",
}
_failed = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_LIVE}: talks to the real site, with the session token in {_TOKEN}; skipped where there is none",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a live test that has no session to talk with."""
    if item.get_closest_marker(_LIVE) is not None and not os.environ.get(_TOKEN):
        pytest.skip(f"a live test needs a session token in {_TOKEN}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether the test has failed, for the fixtures that are torn down after it."""
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    return report


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
def chatgpt_api(request: pytest.FixtureRequest, chatgpt_options: dict[str, Any]) -> Iterator[ChatGPTAPI]:
    """A client of `chatgpt_server`, or of the site in a test marked `chatgpt_live`.

    Its browser starts with the first call that needs it.
    """
    from chatgpt_browser import ChatGPTAPI

    with ChatGPTAPI(**_where(request) | chatgpt_options) as api, _evidence(request, api._core) as judge:
        yield api
        judge(request.node.stash.get(_failed, False))
        api.close()


@pytest.fixture
def async_chatgpt_api(
    request: pytest.FixtureRequest, chatgpt_options: dict[str, Any]
) -> Iterator[AsyncChatGPTAPI]:
    """An asynchronous client of `chatgpt_server`, or of the site in a test marked `chatgpt_live`.

    It is closed at the end of the test that uses it, and works alike under anyio's plugin and under pytest-asyncio, in
    either mode of each. A synchronous test that drives a loop of its own closes the client itself, in that loop.
    """
    from chatgpt_browser import AsyncChatGPTAPI

    api = AsyncChatGPTAPI(**_where(request) | chatgpt_options)
    # A client lives in one event loop and has to be closed in it. An asynchronous fixture would have to
    # choose one of the plugins, and with either the other's loop would be the wrong one. The test itself
    # is in the right loop whoever runs it, so the close goes there: into the function about to be run.
    item = request.node
    test = getattr(item, "obj", None)
    with _evidence(request, api) as judge:
        if not inspect.iscoroutinefunction(test):
            yield api
            return

        item.obj = _closing(api, test, judge)
        yield api
        item.obj = test


def _where(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Where a test's client goes, and as whom: to the site where the test is marked so, else to the fake server."""
    if request.node.get_closest_marker(_LIVE) is not None:
        urls = {option: os.environ[name] for option, name in _BASE_URLS.items() if os.environ.get(name)}
        return {"session_token": os.environ[_TOKEN], **urls}

    server: FakeChatGPT = request.getfixturevalue("chatgpt_server")
    return {
        "session_token": server.session_token,
        "api_base_url": server.api_base_url,
        "backend_api_base_url": server.backend_api_base_url,
    }


def _closing(
    api: AsyncChatGPTAPI, test: Callable[..., Awaitable[None]], judge: Callable[[bool], None]
) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def closing(*args: Any, **kwargs: Any) -> None:
        failed = True
        try:
            await test(*args, **kwargs)
            failed = False
        finally:
            judge(failed)
            await api.close()

    return closing


@contextmanager
def _evidence(request: pytest.FixtureRequest, api: AsyncChatGPTAPI) -> Iterator[Callable[[bool], None]]:
    """Keep a screenshot and a trace of the client's browser, without secrets, as pytest-playwright's options ask.

    What it gives has to be told, before the client is closed, whether the test has failed.
    """
    screenshot = request.config.getoption("--screenshot", "off")
    tracing = request.config.getoption("--tracing", "off")
    if screenshot == tracing == "off":
        yield lambda failed: None
        return

    from chatgpt_browser._browser.artifacts import FailureArtifacts

    # pytest-playwright's own: a folder for each test.
    folder = Path(request.getfixturevalue("output_path"))
    api._browser_manager.witness = evidence = FailureArtifacts()
    has_failed = False

    def judge(failed: bool) -> None:
        nonlocal has_failed
        has_failed = failed
        if not failed and "on" not in (screenshot, tracing):
            evidence.discard()

    yield judge
    if screenshot != "on" and not (has_failed and screenshot == "only-on-failure"):
        evidence.screenshot = None
    if tracing != "on" and not (has_failed and tracing == "retain-on-failure"):
        evidence.trace = None
    evidence.save(folder, "chatgpt")
