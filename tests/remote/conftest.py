"""Browsers that somebody else runs, shared by these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.remote_browsers import Machine, chromium, playwright_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A Chromium with a debugging port."""
    with chromium(tmp_path_factory.mktemp("profile")) as machine:
        yield machine


@pytest.fixture(scope="session")
def playwrights() -> Iterator[Machine]:
    """A Playwright server."""
    with playwright_server() as machine:
        yield machine
