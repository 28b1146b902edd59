"""Remote browsers that all tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.remote_browsers import RemoteBrowser, start_chromium, start_playwright_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def remote_chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteBrowser]:
    """Start a Chromium with a debugging port."""
    with start_chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="session")
def playwright_server() -> Iterator[RemoteBrowser]:
    """Start a Playwright server."""
    with start_playwright_server() as browser:
        yield browser
