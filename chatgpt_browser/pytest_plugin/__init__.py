"""Fixtures for tests of programs that use `chatgpt_browser`: a fake ChatGPT server, and clients connected to it.

If the package is installed, every pytest run loads this module. Therefore the module itself imports little, and each fixture
imports what it needs. If pytest-playwright is installed, its options `--screenshot`, `--tracing`, `--output`, `--headed`,
`--slowmo` and `--browser-channel` apply.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from . import live, recordings, summary
from .playwright_options import browser_options, failure_artifacts, slow_down

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator

    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from chatgpt_browser.testing import Cassette, FakeChatGPT

_MARKER = "chatgpt"
#: The arguments of the marker `chatgpt` that the fixtures read. All its other arguments are options of the server.
_FIXTURE_ARGUMENTS = ("assert_all_used", "match_messages", "replay_speed")
_failed = pytest.StashKey[bool]()
_passed = pytest.StashKey[bool]()
_unused_report = pytest.StashKey["Callable[[], str | None]"]()
_KEYS_OF_A_RUN: tuple[pytest.StashKey[Any], ...] = (
    _failed,
    _passed,
    _unused_report,
    live.CLIENTS,
    recordings.RECORDER,
    recordings.PROPERTIES,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the settings of the fixtures."""
    recordings.add_options(parser)
    parser.addini(
        live.INTERVAL, "minimum time between two tests on the real site, in milliseconds", default="5000"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers `chatgpt` and `chatgpt_live`, and check the settings.

    :raises pytest.UsageError: if a setting is invalid.
    """
    live.interval(config)
    recordings.replay_speed(config.getini(recordings.SPEED))
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(assert_all_used=True, match_messages=True, replay_speed=None, **options): options of the fixture "
        "chatgpt_server, such as strict=True; with assert_all_used=False, unused replies, rules and faults do not fail the test; "
        "match_messages and replay_speed are options of chatgpt_recording",
    )
    config.addinivalue_line(
        "markers",
        f"{live.MARKER}: uses the real site with the session token in {live.TOKEN}; skipped if the variable is not set",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a live test if no session token is set. If one is set, wait until the live test may start (see `live.begin`)."""
    _forget_previous_run(item)
    if not live.is_marked(item):
        return
    if not live.has_token():
        pytest.skip(f"a live test needs a session token in {live.TOKEN}")
    live.begin(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write a summary of the tests that used the real site.

    It also lists the recorded cassettes and the differences from cassettes.
    """
    summary.write(terminalreporter, config.getini(live.INTERVAL))


def _forget_previous_run(item: pytest.Item) -> None:
    """Remove the data of an earlier run of this test: plugins such as pytest-rerunfailures run a test again."""
    for key in _KEYS_OF_A_RUN:
        if key in item.stash:
            del item.stash[key]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record whether the test failed or passed. The teardown of the fixtures reads this record.

    If the test failed, its report also lists the unused parts of the fake server's script.
    """
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    if report.when == "call":
        item.stash[_passed] = report.passed
        unused_report = item.stash.get(_unused_report, None)
        if report.failed and unused_report is not None and (text := unused_report()):
            report.sections.append(("FakeChatGPT", text))
    recordings.complete_report(item, report)
    live.complete_report(item, report)
    return report


@pytest.fixture
def chatgpt_server(request: pytest.FixtureRequest) -> Iterator[FakeChatGPT]:
    """Yield a running `FakeChatGPT` for this test, on a free loopback port.

    If the test passes although a scripted reply, a recording, a rule or a fault was not used, the teardown fails (see
    `FakeChatGPT.assert_all_used`). The marker `chatgpt(assert_all_used=False)` switches this check off. All other arguments
    of the marker are options of the server: `chatgpt(strict=True, form="app")`.
    """
    from chatgpt_browser.testing import FakeChatGPT

    arguments = _marker_arguments(request.node)
    checks = arguments.get("assert_all_used", True)
    options = {name: value for name, value in arguments.items() if name not in _FIXTURE_ARGUMENTS}
    known = inspect.signature(FakeChatGPT).parameters
    if unknown := [name for name in options if name not in known]:
        pytest.fail(
            f"the marker {_MARKER} has the unknown argument {unknown[0]!r}; it takes {', '.join(_FIXTURE_ARGUMENTS)}"
            f" and the options of FakeChatGPT: {', '.join(known)}",
            pytrace=False,
        )
    try:
        server = FakeChatGPT(**options)
    except (TypeError, ValueError) as error:
        pytest.fail(f"the marker {_MARKER} has an invalid option: {error}", pytrace=False)
    with server:
        if checks:
            request.node.stash[_unused_report] = server._unused_report
        yield server
        if checks and request.node.stash.get(_passed, False) and (text := server._unused_report()):
            pytest.fail(text, pytrace=False)


@pytest.fixture
def chatgpt_recording(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """Yield the `Cassette` of the test. `chatgpt_api` and `async_chatgpt_api` replay it, or record it on the real site.

    The cassette is a file in the folder `cassettes` beside the test's module. It contains the messages and the replies, without
    secrets. `--chatgpt-record` selects the mode:

    - `none` (default): replay the cassette. If it does not exist, the test fails.
    - `once`: replay the cassette if it exists. Otherwise, use the real site, and write the cassette if the test has passed.
    - `all`: use the real site, and replace the cassette if the test has passed.

    If a test uses the real site although its cassette exists, the summary of the run lists how the keys and the types of values
    in the replies differ from those in the cassette.

    A replay answers each message with the reply to the same text, without waiting. If a message has another text, or a reply is
    not used, the test fails. With the marker `chatgpt(match_messages=False)`, the texts are not compared. With
    `chatgpt(replay_speed=1)`, the replies have their recorded pace.
    """
    yield from recordings.run(request, _marker_arguments(request.node), passed=_passed)


@pytest.fixture
def chatgpt_options() -> dict[str, Any]:
    """Return options for the clients that `chatgpt_api` and `async_chatgpt_api` create. Override this fixture to set options."""
    return {}


@pytest.fixture
def chatgpt_api(request: pytest.FixtureRequest, chatgpt_options: dict[str, Any]) -> Iterator[ChatGPTAPI]:
    """Yield a client that is connected to `chatgpt_server` or to the real site.

    The real site is used in a test marked `chatgpt_live`, and while a cassette is recorded.
    The browser starts at the first call that needs it.
    """
    from chatgpt_browser import ChatGPTAPI

    with ChatGPTAPI(**_client_settings(request) | browser_options(request.config) | chatgpt_options) as api:
        _prepare(request, api._core)
        with failure_artifacts(request, api._core) as report_outcome:
            yield api
            report_outcome(request.node.stash.get(_failed, False))
            api.close()


@pytest.fixture
def async_chatgpt_api(
    request: pytest.FixtureRequest, chatgpt_options: dict[str, Any]
) -> Iterator[AsyncChatGPTAPI]:
    """Yield an asynchronous client that is connected to the same site as a client of `chatgpt_api`.

    The client is closed at the end of the test. The fixture works under anyio's plugin and under pytest-asyncio, in all their
    modes, and in an `IsolatedAsyncioTestCase`. If a synchronous test runs its own event loop, it must close the client in that
    loop.
    """
    from unittest import IsolatedAsyncioTestCase

    from chatgpt_browser import AsyncChatGPTAPI

    api = AsyncChatGPTAPI(**_client_settings(request) | browser_options(request.config) | chatgpt_options)
    _prepare(request, api)
    # A client must be closed in the event loop that has used it. An asynchronous fixture would belong either to anyio's plugin or
    # to pytest-asyncio, and would run in the wrong loop under the other plugin. The test function always runs in the right loop.
    # Therefore `_closing` wraps the test function and closes the client when the test function ends.
    item = request.node
    test = getattr(item, "obj", None)
    with failure_artifacts(request, api) as report_outcome:
        if isinstance(request.instance, IsolatedAsyncioTestCase):
            request.instance.addAsyncCleanup(api.close)
            yield api
            report_outcome(item.stash.get(_failed, False))
            return
        if not inspect.iscoroutinefunction(test):
            yield api
            return

        item.obj = _closing(api, test, report_outcome)
        yield api
        item.obj = test


def _marker_arguments(item: pytest.Item) -> dict[str, Any]:
    """Return the arguments of the test's markers `chatgpt`.

    The marker of a test overrides the markers of its class and of its module.
    """
    arguments: dict[str, Any] = {}
    for marker in item.iter_markers(_MARKER):
        if marker.args:
            pytest.fail(
                f"the marker {_MARKER} takes only keyword arguments, not {marker.args[0]!r}", pytrace=False
            )
        arguments = {**marker.kwargs, **arguments}
    return arguments


def _client_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the session token, the base URLs and the job store for a client.

    In a live test and while a cassette is recorded, the token and the URLs belong to the real site, otherwise to the fake server.
    The job store is a file of this test.
    """
    if "chatgpt_recording" in request.fixturenames:
        request.getfixturevalue("chatgpt_recording")
    job_store = request.getfixturevalue("tmp_path") / "jobs.sqlite3"
    if _uses_real_site(request.node):
        return {**live.client_settings(), "job_store": job_store}

    server: FakeChatGPT = request.getfixturevalue("chatgpt_server")
    return {**server.client_options, "job_store": job_store}


def _uses_real_site(item: pytest.Item) -> bool:
    return live.is_marked(item) or recordings.is_recording(item)


def _prepare(request: pytest.FixtureRequest, api: AsyncChatGPTAPI) -> None:
    """Apply the options of the run to a new client, and connect the client to the cassette of the test.

    Clients save on disk which origins have refused messages sent by fetch, and do not use fetch for these origins. A client of
    the fake server does not load or save these origins, because another fake server may have the same origin.
    """
    from chatgpt_browser._core.page_only_origins import PageOnlyOrigins

    slow_down(request.config, api)
    if _uses_real_site(request.node):
        live.add_client(request.node, api)
        recordings.attach(request.node)
    else:
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
