"""Fixtures: a run of pytest in a project of its own, and variants of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Iterator


class RunInProcess(Protocol):
    """The type of the fixture `run_in_process`."""

    def __call__(self, *arguments: str) -> pytest.RunResult: ...


@pytest.fixture(params=[None, "true"], ids=["without CI", "with CI"])
def with_and_without_ci(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test twice: without the variable CI, which changes pytest's reports, and with it."""
    if request.param is not None:
        monkeypatch.setenv("CI", request.param)


@pytest.fixture
def run_in_process(pytester: pytest.Pytester) -> RunInProcess:
    """Return a function that runs pytest in this process, with no plugin except ours."""

    def run(*arguments: str) -> pytest.RunResult:
        others = [
            argument for name in ("playwright", "asyncio", "xdist") for argument in ("-p", f"no:{name}")
        ]
        return pytester.runpytest_inprocess("--strict-markers", *others, *arguments)

    return run


@pytest.fixture
def real_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    """A server to which the environment refers as the real site."""
    with FakeChatGPT() as server:
        monkeypatch.setenv("CHATGPT_SESSION_TOKEN", server.session_token)
        monkeypatch.setenv("CHATGPT_API_BASE_URL", server.api_base_url)
        monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", server.backend_api_base_url)
        yield server
