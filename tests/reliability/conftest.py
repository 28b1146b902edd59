"""A folder for temporary files that is ours alone, so that what is left over shows; and the fixtures of the core's tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.client_fixtures import api, connect, pair, scripted_site, serve, shared
from tests.support.client_processes import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["api", "connect", "pair", "scripted_site", "serve", "shared"]

SOAK = "CHATGPT_SOAK"


@pytest.fixture(scope="session")
def soak() -> int:
    """How many times as much the long tests do: ``CHATGPT_SOAK``, 1 by default."""
    return max(1, int(_SOAK or 1))


_SOAK = os.environ.get(SOAK)  # read before the tests' clean environment takes it away


@pytest.fixture(scope="session", autouse=True)
def temporary_folder() -> Iterator[Path]:
    """Where the driver and Chromium keep their temporary files in these tests."""
    # A short path: the name of a Unix socket has 108 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="rel-", dir="/tmp" if os.name == "posix" else None))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "TMP", "TEMP"):
            patch.setenv(name, str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mark() -> Mark:
    """A mark for the browsers of one client: an argument that Chromium does not know and carries along."""
    return Mark()
