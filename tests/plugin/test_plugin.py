"""The pytest plugin, as somebody else's project meets it: each run is a pytest of its own."""

from __future__ import annotations

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


# The fixtures once more in this very process, where their coverage is measured.


def test_fixture_of_a_synchronous_client(chatgpt_api: object, chatgpt_server: object) -> None:
    assert chatgpt_api is not chatgpt_server


@pytest.mark.anyio
async def test_fixture_of_an_asynchronous_client(async_chatgpt_api: object) -> None:
    assert async_chatgpt_api
