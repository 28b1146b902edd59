"""Applies the options of pytest-playwright to the browser of a client."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from chatgpt_browser import AsyncChatGPTAPI


def browser_options(config: pytest.Config) -> dict[str, Any]:
    """Return the options of a client that correspond to options of pytest-playwright."""
    options: dict[str, Any] = {}
    if config.getoption("--headed", False):
        options["headless"] = False
    if channel := config.getoption("--browser-channel", None):
        options["channel"] = channel
    return options


def slow_down(config: pytest.Config, api: AsyncChatGPTAPI) -> None:
    """If `--slowmo` is given, delay each of Playwright's actions in the client's browser by this time."""
    if milliseconds := config.getoption("--slowmo", 0):
        manager = api._browser_manager
        manager._options = replace(manager._options, slow_mo=float(milliseconds))


@contextmanager
def failure_artifacts(
    request: pytest.FixtureRequest, api: AsyncChatGPTAPI
) -> Iterator[Callable[[bool], None]]:
    """Record a screenshot and a trace of the client's browser, if pytest-playwright's options require this.

    The context manager yields a function. The caller must call this function once, after the test and before the client is
    closed. Its argument is True if the test failed, else False. After the block, the context manager saves the screenshot and the
    trace. They contain no secrets.
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
