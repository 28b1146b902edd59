"""Fixtures of the reliability tests: a separate folder for temporary files, and the length of the long tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.client_processes import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Read at import: the fixture `clean_environ` removes the variable before each test.
_SOAK = os.environ.get("CHATGPT_SOAK")


@pytest.fixture(scope="session")
def soak() -> int:
    """The factor for the length of the long tests: ``CHATGPT_SOAK``, 1 by default."""
    return max(1, int(_SOAK or 1))


@pytest.fixture(scope="session", autouse=True)
def temporary_folder() -> Iterator[Path]:
    """The folder for the temporary files of the driver and Chromium, so that remaining files can be found."""
    # A short path: the path of a Unix socket has at most 108 characters.
    folder = Path(tempfile.mkdtemp(prefix="rel-", dir="/tmp" if os.name == "posix" else None))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "TMP", "TEMP"):
            patch.setenv(name, str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mark() -> Mark:
    """A command-line argument that Chromium ignores, to find the processes of one client's browsers."""
    return Mark()
