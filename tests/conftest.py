"""Fixtures for all tests: a clean environment, a fake server, and a check that no process outlives the run."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from chatgpt_browser._core.page_only_origins import FILE_NAME, PAGE_ONLY_ORIGINS
from chatgpt_browser.testing import FakeChatGPT
from tests.support.processes import marked, still_running
from tests.support.selection import mark_slow_resources, mark_unsampled_variants, put_slow_modules_first

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["tests.support.client_fixtures"]

MARK = "TEST_RUN_MARK"

#: Environment variables of the surrounding terminal or CI system that change what pytest, Rich or our commands print.
REPORT_VARIABLES = frozenset(
    "BUILD_NUMBER CI COLUMNS FORCE_COLOR GITHUB_ACTIONS LINES NO_COLOR PYTEST_ADDOPTS PYTEST_PLUGINS PY_COLORS".split()
)

# No example may fail because the machine is slow, and a run without CHATGPT_SOAK is the same each time.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("long", settings.get_profile("default"), derandomize=False)
settings.load_profile("long" if "CHATGPT_SOAK" in os.environ else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the markers ``browser`` and ``long`` before ``-m`` selects by markers. In a parallel run, put slow modules first."""
    mark_slow_resources(items)
    mark_unsampled_variants(items)
    if "PYTEST_XDIST_WORKER" in os.environ:
        put_slow_modules_first(items)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run tests marked `anyio` on asyncio only: Playwright supports no other event loop."""
    return "asyncio"


@pytest.fixture(scope="session")
def session_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of tests that need none of their own."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch, session_data_folder: Path) -> None:
    """Remove environment variables with a real token, and those that change outputs, so that they cannot affect a test.

    Forget which origins need their own page: a later server may get the port of an earlier one.
    """
    for name in os.environ:
        if name.startswith("CHATGPT_") or name in REPORT_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(session_data_folder))
    monkeypatch.setenv(
        "CHATGPT_CONFIG", os.devnull
    )  # The commands must not read the config file of the developer.
    (session_data_folder / FILE_NAME).unlink(missing_ok=True)
    PAGE_ONLY_ORIGINS._refused_at.clear()


@pytest.fixture
def server() -> Iterator[FakeChatGPT]:
    """Start a fake server for one test."""
    with FakeChatGPT() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def check_no_process_left() -> Iterator[None]:
    """Fail the run if a process that a test started is still running at the end."""
    mark = os.environ[MARK] = uuid.uuid4().hex
    yield
    running = still_running(marked(MARK, mark))
    assert not running, f"still running: {[process.info for process in running]}"
