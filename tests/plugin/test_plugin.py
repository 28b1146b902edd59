"""The pytest plugin, as somebody else's project meets it: each run is a pytest of its own."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ASYNC_TEST = """
import pytest

seen = []

{marker}
async def test_reply(async_chatgpt_api, chatgpt_server):
    seen.append(async_chatgpt_api)
    assert "Hello" in await async_chatgpt_api.send_message("Hello")
    assert chatgpt_server.requests

{marker}
async def test_that_fails(async_chatgpt_api):
    seen.append(async_chatgpt_api)
    await async_chatgpt_api.start()
    assert False

{marker}
async def test_both_were_closed():
    from chatgpt_browser import ClientClosedError
    for api in seen:
        with pytest.raises(ClientClosedError):
            await api.send_message("Too late")
"""

LOADED = """
import sys

def test_nothing_heavy_was_loaded():
    heavy = {"playwright", "starlette", "hypercorn", "typer", "rich", "trustme"}
    assert not heavy & {name.partition(".")[0] for name in sys.modules}
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    # pytest-asyncio asks each project to choose a scope for its loops; these projects use the default.
    unasked = "ignore:The configuration option:pytest.PytestDeprecationWarning"
    return pytester.runpytest_subprocess("-W", "error", "-W", unasked, *arguments)


def test_clients_talk_to_the_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_synchronous(chatgpt_api, chatgpt_server):
            assert "Hello" in chatgpt_api.send_message("Hello")
            assert chatgpt_api.session_token == chatgpt_server.session_token

        def test_servers_are_apart(chatgpt_server):
            assert not chatgpt_server.requests
        """
    )
    run(pytester).assert_outcomes(passed=2)


def test_options_are_made_to_be_overridden(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from chatgpt_browser import AuthenticationError

        @pytest.fixture
        def chatgpt_options():
            return {"session_token": "somebody-elses", "retries": 0}

        def test_options(chatgpt_api):
            with pytest.raises(AuthenticationError):
                chatgpt_api.ensure_auth()
        """
    )
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "arguments"),
    [
        pytest.param("@pytest.mark.anyio", ["-p", "no:asyncio"], id="anyio alone"),
        pytest.param("@pytest.mark.anyio", [], id="anyio beside pytest-asyncio"),
        pytest.param("@pytest.mark.asyncio", [], id="pytest-asyncio, strict"),
        pytest.param("", ["--asyncio-mode=auto"], id="pytest-asyncio, auto"),
        pytest.param("", ["--anyio-mode=auto"], id="anyio, auto"),
    ],
)
def test_asynchronous_client_under_each_plugin(
    marker: str, arguments: list[str], pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def anyio_backend():
            return "asyncio"
        """
    )
    pytester.makepyfile(ASYNC_TEST.format(marker=marker))
    run(pytester, *arguments).assert_outcomes(passed=2, failed=1)


def test_asynchronous_client_in_a_loop_of_the_tests_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio

        def test_reply(async_chatgpt_api):
            async def main():
                async with async_chatgpt_api as api:
                    return await api.send_message("Hello")

            assert "Hello" in asyncio.run(main())
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_unused_plugin_loads_nothing_heavy(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Other plugins may well load Playwright; only ours is on trial.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(LOADED)
    run(pytester, "-p", "chatgpt_browser.pytest_plugin").assert_outcomes(passed=1)


# ---- live tests --------------------------------------------------------------------------------------


LIVE = """
import pytest

@pytest.mark.chatgpt_live
def test_live(chatgpt_api, async_chatgpt_api):
    for api in (chatgpt_api, async_chatgpt_api):
        assert api.session_token == "somebodys-own"
        assert repr(api).endswith("https://chatgpt.example>")

def test_fake(chatgpt_api, chatgpt_server):
    assert chatgpt_api.session_token == chatgpt_server.session_token
"""


def test_a_live_test_is_skipped_without_a_token(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LIVE)
    result = run(pytester, "--strict-markers", "-rs")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines("SKIPPED*a live test needs a session token in CHATGPT_SESSION_TOKEN")


def test_a_live_test_has_its_options_from_the_environment(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "somebodys-own")
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "https://chatgpt.example/api")
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", "https://chatgpt.example/backend-api")
    pytester.makepyfile(LIVE)
    run(pytester).assert_outcomes(passed=2)


# ---- what is kept of a failure, and several processes ------------------------------------------------


FAILING = """
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

def test_that_passes(chatgpt_api):
    chatgpt_api.send_message("Hello")

def test_without_a_browser(chatgpt_api):
    assert False
"""


def test_a_failure_leaves_a_screenshot_and_a_trace(pytester: pytest.Pytester) -> None:
    """In pytest-playwright's own folders, and of those tests alone that failed and had a browser."""
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'")
    pytester.makepyfile(test_it=FAILING)
    options = ("--screenshot=only-on-failure", "--tracing=retain-on-failure", "--output=kept", "-n", "2")
    run(pytester, *options).assert_outcomes(passed=1, failed=3)

    kept = {path.relative_to(pytester.path / "kept") for path in (pytester.path / "kept").rglob("*.*")}
    assert {str(path) for path in kept} == {
        f"{test}/{file}"
        for test in ("test-it-py-test-sync", "test-it-py-test-async")
        for file in ("chatgpt.png", "chatgpt-trace.zip")
    }
    token = (pytester.path / "token.txt").read_bytes()
    with zipfile.ZipFile(pytester.path / "kept/test-it-py-test-sync/chatgpt-trace.zip") as trace:
        content = b"".join(trace.read(name) for name in trace.namelist())
    assert b"/backend-api/conversation" in content
    assert len(token) > 600 and token not in content


def test_only_what_was_asked_for_is_kept(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_it(chatgpt_api): chatgpt_api.ensure_auth()")
    run(pytester, "--screenshot=on").assert_outcomes(passed=1)

    assert [path.name for path in (pytester.path / "test-results").rglob("*.*")] == ["chatgpt.png"]


# The fixtures once more in this very process, where their coverage is measured.


def test_fixture_of_a_synchronous_client(chatgpt_api: object, chatgpt_server: object) -> None:
    assert chatgpt_api is not chatgpt_server


@pytest.mark.anyio
async def test_fixture_of_an_asynchronous_client(async_chatgpt_api: object) -> None:
    assert async_chatgpt_api
