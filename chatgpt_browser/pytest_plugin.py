"""Fixtures for tests of programs that use `chatgpt_browser`: a fake ChatGPT server, and clients connected to it.

If the package is installed, every pytest run loads this module. Therefore the module itself imports little, and each fixture
imports what it needs. If pytest-playwright is installed, its options `--screenshot`, `--tracing`, `--output`, `--headed` and
`--browser-channel` apply.
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
_MARKER = "chatgpt"
_TOKEN = "CHATGPT_SESSION_TOKEN"
_BASE_URLS = {
    "api_base_url": "CHATGPT_API_BASE_URL",
    "backend_api_base_url": "CHATGPT_BACKEND_API_BASE_URL",
}
_failed = pytest.StashKey[bool]()
_passed = pytest.StashKey[bool]()
_unused_report = pytest.StashKey["Callable[[], str | None]"]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers `chatgpt` and `chatgpt_live`."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(assert_all_used=True, **options): options of the fixture chatgpt_server, such as strict=True; with "
        "assert_all_used=False, unused replies, rules and faults do not fail the test",
    )
    config.addinivalue_line(
        "markers",
        f"{_LIVE}: uses the real site with the session token in {_TOKEN}; skipped if the variable is not set",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a live test if no session token is set."""
    if item.get_closest_marker(_LIVE) is not None and not os.environ.get(_TOKEN):
        pytest.skip(f"a live test needs a session token in {_TOKEN}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record whether the test failed or passed. The teardown of the fixtures reads this record.

    The report of a failed test also lists what the test did not use of the fake server's script.
    """
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    if report.when == "call":
        item.stash[_passed] = report.passed
        unused_report = item.stash.get(_unused_report, None)
        if report.failed and unused_report is not None and (text := unused_report()):
            report.sections.append(("FakeChatGPT", text))
    return report


@pytest.fixture
def chatgpt_server(request: pytest.FixtureRequest) -> Iterator[FakeChatGPT]:
    """Yield a running `FakeChatGPT` for this test, on a free loopback port.

    If the test passes but has not used a scripted reply, a recording, a rule or a fault, the teardown fails (see
    `FakeChatGPT.assert_all_used`). The marker `chatgpt(assert_all_used=False)` switches this check off. All other arguments
    of the marker are options of the server: `chatgpt(strict=True, form="app")`.
    """
    from chatgpt_browser.testing import FakeChatGPT

    options: dict[str, Any] = {}
    for marker in request.node.iter_markers(
        _MARKER
    ):  # The marker of the test comes before those of its class and module.
        options = {**marker.kwargs, **options}
    checks = options.pop("assert_all_used", True)
    with FakeChatGPT(**options) as server:
        if checks:
            request.node.stash[_unused_report] = server._unused_report
        yield server
        if checks and request.node.stash.get(_passed, False) and (text := server._unused_report()):
            pytest.fail(text, pytrace=False)


@pytest.fixture
def chatgpt_options() -> dict[str, Any]:
    """Return options for the clients that `chatgpt_api` and `async_chatgpt_api` create. Override this fixture to set options."""
    return {}


@pytest.fixture
def chatgpt_api(request: pytest.FixtureRequest, chatgpt_options: dict[str, Any]) -> Iterator[ChatGPTAPI]:
    """Yield a client of `chatgpt_server`, or of the real site in a test marked `chatgpt_live`.

    The browser starts at the first call that needs it.
    """
    from chatgpt_browser import ChatGPTAPI

    with ChatGPTAPI(**_client_settings(request) | _browser_options(request.config) | chatgpt_options) as api:
        _isolate(request, api._core)
        with _artifacts(request, api._core) as report_outcome:
            yield api
            report_outcome(request.node.stash.get(_failed, False))
            api.close()


@pytest.fixture
def async_chatgpt_api(
    request: pytest.FixtureRequest, chatgpt_options: dict[str, Any]
) -> Iterator[AsyncChatGPTAPI]:
    """Yield an asynchronous client of `chatgpt_server`, or of the real site in a test marked `chatgpt_live`.

    The client is closed at the end of the test. The fixture works under anyio's plugin and under pytest-asyncio, in all their
    modes. A synchronous test that runs its own event loop closes the client itself, in that loop.
    """
    from chatgpt_browser import AsyncChatGPTAPI

    api = AsyncChatGPTAPI(**_client_settings(request) | _browser_options(request.config) | chatgpt_options)
    _isolate(request, api)
    # A client must be closed in the event loop that has used it. An asynchronous fixture would belong to one of the two plugins,
    # and would run in the wrong loop under the other plugin. The test function always runs in the right loop. Therefore
    # `_closing` wraps the test function and closes the client when the test function ends.
    item = request.node
    test = getattr(item, "obj", None)
    with _artifacts(request, api) as report_outcome:
        if not inspect.iscoroutinefunction(test):
            yield api
            return

        item.obj = _closing(api, test, report_outcome)
        yield api
        item.obj = test


def _client_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the session token, the base URLs and the job store for a client.

    In a live test, token and URLs belong to the real site, in other tests to the fake server. Each test has its own job store.
    """
    store = {"job_store": request.getfixturevalue("tmp_path") / "jobs.sqlite3"}
    if request.node.get_closest_marker(_LIVE) is not None:
        urls = {option: os.environ[name] for option, name in _BASE_URLS.items() if os.environ.get(name)}
        return {"session_token": os.environ[_TOKEN], **urls, **store}

    server: FakeChatGPT = request.getfixturevalue("chatgpt_server")
    return server.client_options | store


def _browser_options(config: pytest.Config) -> dict[str, Any]:
    """Return the options of a client that correspond to options of pytest-playwright."""
    options: dict[str, Any] = {}
    if config.getoption("--headed", False):
        options["headless"] = False
    if channel := config.getoption("--browser-channel", None):
        options["channel"] = channel
    return options


def _isolate(request: pytest.FixtureRequest, api: AsyncChatGPTAPI) -> None:
    """If the client uses a fake server, set an empty set of page-only origins that is not stored in the data folder.

    The stored set may contain the origin of this server, because an earlier fake server may have used the same port.
    """
    from chatgpt_browser._core.page_only_origins import PageOnlyOrigins

    if request.node.get_closest_marker(_LIVE) is None:
        api._browser_manager.page_only_origins = PageOnlyOrigins()


def _closing(
    api: AsyncChatGPTAPI, test: Callable[..., Awaitable[None]], report_outcome: Callable[[bool], None]
) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def closing(*args: Any, **kwargs: Any) -> None:
        failed = True
        try:
            await test(*args, **kwargs)
            failed = False
        finally:
            report_outcome(failed)
            await api.close()

    return closing


@contextmanager
def _artifacts(request: pytest.FixtureRequest, api: AsyncChatGPTAPI) -> Iterator[Callable[[bool], None]]:
    """Record a screenshot and a trace of the client's browser, if pytest-playwright's options require this.

    The context manager yields a function, which the caller must call once after the test, before the client is closed. The
    argument is True if the test failed, else False. After the block, the context manager saves the screenshot and the trace. They
    contain no secrets.
    """
    screenshot = request.config.getoption("--screenshot", "off")
    tracing = request.config.getoption("--tracing", "off")
    if screenshot == tracing == "off":
        yield lambda failed: None
        return

    from chatgpt_browser._browser.artifacts import FailureArtifacts

    # pytest-playwright provides one output folder for each test.
    folder = Path(request.getfixturevalue("output_path"))
    api._browser_manager.observer = artifacts = FailureArtifacts()
    has_failed = False

    def report_outcome(failed: bool) -> None:
        nonlocal has_failed
        has_failed = failed
        if not failed and "on" not in (screenshot, tracing):
            artifacts.discard()

    yield report_outcome
    if screenshot != "on" and not (has_failed and screenshot == "only-on-failure"):
        artifacts.screenshot = None
    if tracing != "on" and not (has_failed and tracing == "retain-on-failure"):
        artifacts.trace = None
    artifacts.save(folder, "chatgpt")
