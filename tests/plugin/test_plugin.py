"""The pytest plugin in other projects: each test starts pytest in a separate process."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT
    from tests.plugin.conftest import RunInProcess

ASYNC_TEST = """
import pytest

seen = []

{marker}
async def test_reply(async_chatgpt_api, chatgpt_server):
    seen.append(async_chatgpt_api)
    assert "Hello" in await async_chatgpt_api.send_message("Hello")
    assert chatgpt_server.requests

{marker}
async def test_failure(async_chatgpt_api):
    seen.append(async_chatgpt_api)
    await async_chatgpt_api.start()
    assert False

{marker}
async def test_previous_clients_are_closed():
    from chatgpt_browser import ClientClosedError
    for api in seen:
        with pytest.raises(ClientClosedError):
            await api.send_message("Too late")
"""

IMPORT_TEST = """
import sys

def test_imports():
    heavy = {"playwright", "starlette", "hypercorn", "typer", "rich", "trustme"}
    assert not heavy & {name.partition(".")[0] for name in sys.modules}
"""


def run_pytest(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    # pytest-asyncio warns if a project sets no loop scope; these projects use the default.
    scope_warning = "ignore:The configuration option:pytest.PytestDeprecationWarning"
    return pytester.runpytest_subprocess("-W", "error", "-W", scope_warning, *arguments)


SYNC_TEST = """
def test_synchronous(chatgpt_api, chatgpt_server, tmp_path):
    assert "Hello" in chatgpt_api.send_message("Hello")
    assert not list(tmp_path.iterdir())
    assert "Hello" in str(chatgpt_api.submit("Hello").wait())
    assert (tmp_path / "jobs.sqlite3").exists()
    assert chatgpt_api.session_token == chatgpt_server.session_token

def test_server_is_new(chatgpt_server):
    assert not chatgpt_server.requests
"""

OPTIONS_TEST = """
import pytest
from chatgpt_browser import AuthenticationError

@pytest.fixture
def chatgpt_options():
    return {"session_token": "unknown-token", "retries": 0}

def test_options(chatgpt_api):
    with pytest.raises(AuthenticationError):
        chatgpt_api.ensure_auth()
"""

OWN_LOOP_TEST = """
import asyncio

def test_reply(async_chatgpt_api):
    async def main():
        async with async_chatgpt_api as api:
            return await api.send_message("Hello")

    assert "Hello" in asyncio.run(main())
"""


UNITTEST_TEST = """
import asyncio, unittest
import pytest
from chatgpt_browser import ClientClosedError

seen = []

class TestCase(unittest.IsolatedAsyncioTestCase):
    @pytest.fixture(autouse=True)
    def take(self, async_chatgpt_api):
        self.api = async_chatgpt_api
        seen.append(self.api)

    async def test_reply(self):
        self.assertIn("Hello", await self.api.send_message("Hello"))

    async def test_failure(self):
        await self.api.send_message("Hello")
        self.fail()

def test_previous_clients_are_closed():
    assert len(seen) == 2
    for api in seen:
        with pytest.raises(ClientClosedError):
            asyncio.run(api.send_message("Too late"))
"""


def test_async_chatgpt_api_fixture_in_unittest_class_is_closed_after_the_test(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(UNITTEST_TEST)
    run_pytest(pytester, "--screenshot=only-on-failure").assert_outcomes(passed=2, failed=1)

    pictures = [path.parent.name for path in (pytester.path / "test-results").rglob("*.png")]
    assert len(pictures) == 1 and "failure" in pictures[0]


def test_fixtures_in_synchronous_tests_use_server_and_options(pytester: pytest.Pytester) -> None:
    """One run of pytest has a module for each way: the client, overridden options, and a loop that the test starts."""
    pytester.makepyfile(test_sync=SYNC_TEST, test_options=OPTIONS_TEST, test_own_loop=OWN_LOOP_TEST)
    result = run_pytest(pytester, "-v")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines_random(
        [
            "test_sync.py::test_synchronous PASSED*",
            "test_sync.py::test_server_is_new PASSED*",
            "test_options.py::test_options PASSED*",
            "test_own_loop.py::test_reply PASSED*",
        ]
    )


@pytest.mark.parametrize(
    ("markers", "arguments"),
    [
        pytest.param(["anyio"], ["-p", "no:asyncio"], id="anyio", marks=pytest.mark.long),
        pytest.param(["anyio", "asyncio"], [], id="anyio, and pytest-asyncio, strict"),
        pytest.param([""], ["--asyncio-mode=auto"], id="pytest-asyncio, auto"),
        pytest.param([""], ["--anyio-mode=auto"], id="anyio, auto", marks=pytest.mark.long),
    ],
)
def test_async_chatgpt_api_fixture_under_each_async_plugin_is_closed_after_the_test(
    markers: list[str], arguments: list[str], pytester: pytest.Pytester
) -> None:
    """The project has a module for each marker."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def anyio_backend():
            return "asyncio"
        """
    )
    for marker in markers:
        source = ASYNC_TEST.format(marker=f"@pytest.mark.{marker}" if marker else "")
        pytester.makepyfile(**{f"test_{marker}_": source})
    result = run_pytest(pytester, *arguments)

    result.assert_outcomes(passed=2 * len(markers), failed=len(markers))


def test_plugin_without_use_imports_no_heavy_package(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Other plugins may import Playwright.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(IMPORT_TEST)
    run_pytest(pytester, "-p", "chatgpt_browser.pytest_plugin").assert_outcomes(passed=1)


# ---- unused parts of the script: these tests send messages without a browser -----------------


SEND = """
import pytest
from tests.support.site_client import SiteClient

def send(server, *texts):
    client = SiteClient(server)
    with client.http:
        client.sign_in()
        return [client.send(text).response.status_code for text in texts]
"""
UNUSED_TESTS = """
def test_used(chatgpt_server):
    chatgpt_server.when("weather", "Sunny.")
    chatgpt_server.inject("server-error")
    assert send(chatgpt_server, "weather", "weather") == [500, 200]

def test_unused(chatgpt_server):
    chatgpt_server.script("First.", "Second.")
    chatgpt_server.when("wether", "Sunny.")
    chatgpt_server.inject("rate-limit-header", path="/models")
    send(chatgpt_server, "weather")

@pytest.mark.chatgpt(strict=True)
def test_strict(chatgpt_server):
    chatgpt_server.when("weather", "Sunny.")
    assert send(chatgpt_server, "weather", "Hello") == [200, 400]

def test_failed(chatgpt_server):
    chatgpt_server.when("never asked", "Sunny.")
    assert False

def test_skipped(chatgpt_server):
    chatgpt_server.script("First.")
    pytest.skip("not today")

@pytest.mark.xfail
def test_expected_failure(chatgpt_server):
    chatgpt_server.script("First.")
    assert False

@pytest.mark.chatgpt(replies=["In the marker."])
def test_marker(chatgpt_server):
    pass

@pytest.mark.chatgpt(assert_all_used=False)
class TestOptedOut:
    @pytest.mark.chatgpt(form="app")
    def test_unchecked(self, chatgpt_server):
        chatgpt_server.script("First.")
        assert chatgpt_server.composer

    @pytest.mark.chatgpt(assert_all_used=True)
    def test_checked(self, chatgpt_server):
        chatgpt_server.script("Checked.")

    def test_failed(self, chatgpt_server):
        chatgpt_server.script("Unreported.")
        assert False
"""


@pytest.mark.usefixtures("with_and_without_ci")
def test_chatgpt_server_fixture_fails_a_passed_test_that_leaves_something_unused(
    pytester: pytest.Pytester,
) -> None:
    """The error is reported once, at teardown; a test that failed lists the unused parts in its own report."""
    pytester.makepyfile(test_it=SEND + UNUSED_TESTS)
    result = pytester.runpytest_inprocess(
        "--strict-markers", "-p", "no:playwright", "-p", "no:asyncio", "-p", "no:xdist"
    )

    result.assert_outcomes(passed=6, failed=2, skipped=1, xfailed=1, errors=4)
    result.stdout.fnmatch_lines("*reply 'In the marker.' at the marker chatgpt")
    # With CI set, pytest repeats whole messages in its summary.
    details = str(result.stdout).partition(" short test summary info ")[0]
    unused = details.partition("ERROR at teardown of test_unused ")[2].partition("\n____")[0]
    assert "the test and its script do not agree (3 differences):" in unused
    for part in (
        "script('Second.') at test_it.py:16\n    expected: 1 further message\n    asked:    'weather'",
        "when('wether', 'Sunny.') at test_it.py:17\n    expected: a message that contains 'wether'\n"
        "    asked:    'weather' (the nearest of 1 message)",
        "inject('rate-limit-header') at test_it.py:18\n    expected: a request to /models",
    ):
        assert part in unused
    assert "site-packages" not in unused and "Traceback" not in unused
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_strict*", "*a message that no rule expected", "*asked:    'Hello'"]
    )
    result.stdout.fnmatch_lines(["*- FakeChatGPT -*", "*when('never asked'*"])
    assert details.count("script('Checked.')") == 1
    assert "Unreported." not in details.replace('chatgpt_server.script("Unreported.")', "")


def test_summary_with_subtests_is_written(run_in_process: RunInProcess, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unittest

        class TestCase(unittest.TestCase):
            def test_parts(self):
                with self.subTest("part"):
                    pass
        """
    )
    result = run_in_process()
    result.assert_outcomes(passed=1)
    assert result.ret == 0


# ---- live tests --------------------------------------------------------------------------------------


LIVE_TESTS = """
import pytest

@pytest.mark.chatgpt_live
def test_live(chatgpt_api, async_chatgpt_api):
    for api in (chatgpt_api, async_chatgpt_api):
        assert api.session_token == "live-token"
        assert repr(api).endswith("https://chatgpt.example>")

def test_fake(chatgpt_api, chatgpt_server):
    assert chatgpt_api.session_token == chatgpt_server.session_token
"""


def test_live_marker_without_session_token_skips_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LIVE_TESTS)
    result = run_pytest(pytester, "--strict-markers", "-rs")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines("SKIPPED*a live test needs a session token in CHATGPT_SESSION_TOKEN")


def test_live_marker_with_session_token_uses_options_of_the_environment(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "live-token")
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "https://chatgpt.example/api")
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", "https://chatgpt.example/backend-api")
    pytester.makepyfile(LIVE_TESTS)
    run_pytest(pytester).assert_outcomes(passed=2)


# ---- failure artifacts, with several processes ------------------------------------------------


FAILING_TESTS = """
import pytest

def test_sync(chatgpt_api, chatgpt_server):
    chatgpt_api.send_message("Hello")
    with open("token.txt", "w") as file:
        file.write(chatgpt_server.session_token)
    assert False

@pytest.mark.anyio
async def test_async(async_chatgpt_api):
    await async_chatgpt_api.send_message("Hello")
    assert False

def test_success(chatgpt_api):
    chatgpt_api.send_message("Hello")

def test_without_a_browser(chatgpt_api):
    assert False
"""


def test_failed_test_leaves_screenshot_and_trace_without_token(pytester: pytest.Pytester) -> None:
    """They are saved in pytest-playwright's folders, only for failed tests that started a browser."""
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'")
    pytester.makepyfile(test_it=FAILING_TESTS)
    options = ("--screenshot=only-on-failure", "--tracing=retain-on-failure", "--output=artifacts", "-n", "2")
    run_pytest(pytester, *options).assert_outcomes(passed=1, failed=3)

    artifacts = {
        path.relative_to(pytester.path / "artifacts") for path in (pytester.path / "artifacts").rglob("*.*")
    }
    assert {str(path) for path in artifacts} == {
        f"{test}/{file}"
        for test in ("test-it-py-test-sync", "test-it-py-test-async")
        for file in ("chatgpt.png", "chatgpt-trace.zip")
    }
    token = (pytester.path / "token.txt").read_bytes()
    with zipfile.ZipFile(pytester.path / "artifacts/test-it-py-test-sync/chatgpt-trace.zip") as trace:
        content = b"".join(trace.read(name) for name in trace.namelist())
    assert b"/backend-api/conversation" in content
    assert len(token) > 600 and token not in content


@pytest.mark.long
def test_screenshot_option_alone_saves_only_a_screenshot(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_it(chatgpt_api): chatgpt_api.ensure_auth()")
    run_pytest(pytester, "--screenshot=on").assert_outcomes(passed=1)

    assert [path.name for path in (pytester.path / "test-results").rglob("*.*")] == ["chatgpt.png"]


def test_options_of_playwright_set_options_of_the_clients(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        """
        from chatgpt_browser._browser.launcher import _launch_settings

        def test_options(chatgpt_api, async_chatgpt_api, tmp_path):
            for options in (chatgpt_api._core._options, async_chatgpt_api._options):
                assert (options.headless, options.channel) == (False, "chrome")
                assert options.job_store.is_relative_to(tmp_path)
            for api in (chatgpt_api._core, async_chatgpt_api):
                assert _launch_settings(api._browser_manager._options)["slow_mo"] == 250
        """
    )
    monkeypatch.setenv("DISPLAY", ":0")
    run_pytest(pytester, "--headed", "--browser-channel=chrome", "--slowmo=250").assert_outcomes(passed=1)


SHOWN_LOCALS = """
import pytest

@pytest.mark.chatgpt_live
class TestLive:
    def test_failure(self, chatgpt_api, async_chatgpt_api):
        assert not chatgpt_api

    @pytest.mark.parametrize("chatgpt_options", [{"retries": -1}, {"no_such_option": 1}])
    def test_invalid_option(self, chatgpt_api):
        pass

    @pytest.mark.parametrize("chatgpt_options", [{"retries": -1}, {"no_such_option": 1}])
    def test_invalid_option_of_async_client(self, async_chatgpt_api):
        pass
"""


@pytest.mark.usefixtures("with_and_without_ci")
@pytest.mark.parametrize("token", ["secret-token", "not a secret-token, but invalid\u00e9"])
def test_showlocals_shows_no_session_token(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", token)
    pytester.makepyfile(SHOWN_LOCALS)
    arguments = ("--showlocals", "--tb=long", "-p", "no:playwright", "-p", "no:asyncio", "-p", "no:xdist")
    pytester.makeini("[pytest]\nchatgpt_live_interval = 0")
    result = pytester.runpytest_inprocess(*arguments)

    assert result.parseoutcomes()["errors"] >= 4
    assert "chatgpt_options" in str(result.stdout)
    assert "secret-token" not in str(result.stdout) + str(result.stderr)


PARTS_OF_SECRETS = """
import os, pytest
from chatgpt_browser import ChatGPTAPI

@pytest.mark.chatgpt_live
def test_parts(chatgpt_api):
    token = os.environ["CHATGPT_SESSION_TOKEN"]
    cookies = "theme=dark; " * 20 + "__Secure-next-auth.session-token=" + token
    middle = token[300:400]
    session = chatgpt_api.get_session().raw
    print(token[9:])
    assert token == token[:30] + "X" + token[31:]

@pytest.mark.chatgpt_live
def test_own_client(chatgpt_api):
    urls = {name: os.environ["CHATGPT_" + name.upper()] for name in ("api_base_url", "backend_api_base_url")}
    with ChatGPTAPI(os.environ["CHATGPT_SESSION_TOKEN"], **urls) as api:
        access_token = api.ensure_auth()
        assert False
"""


def test_showlocals_shows_no_part_of_a_secret(
    pytester: pytest.Pytester, run_in_process: RunInProcess, real_site: FakeChatGPT
) -> None:
    pytester.makepyfile(PARTS_OF_SECRETS)
    pytester.makeini("[pytest]\nchatgpt_live_interval = 0")
    result = run_in_process("--showlocals", "--junitxml=report.xml")

    result.assert_outcomes(failed=2)
    report = str(result.stdout) + (pytester.path / "report.xml").read_text("utf-8")
    assert "cookies" in report and "session " in report and "access_token" in report
    token = real_site.session_token
    assert "eyJ" not in report
    assert [token[at : at + 12] for at in range(len(token) - 11) if token[at : at + 12] in report] == []
    # The last part of an access token is its signature.
    signatures = {each.bearer.rpartition(".")[2] for each in real_site.requests if each.bearer}
    assert not [each for each in signatures if each[-12:] in report]


# The fixtures in this process, where their coverage is measured.


def test_chatgpt_api_fixture_in_this_process_is_created(chatgpt_api: object, chatgpt_server: object) -> None:
    assert chatgpt_api is not chatgpt_server


@pytest.mark.anyio
async def test_async_chatgpt_api_fixture_in_this_process_is_created(async_chatgpt_api: object) -> None:
    assert async_chatgpt_api
