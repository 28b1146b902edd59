"""The log of a detached process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.cli.detached import _open_log

if TYPE_CHECKING:
    from pathlib import Path


def test_open_log_appends(data_folder: Path) -> None:
    path = data_folder / "logs" / "job.log"
    for _ in range(2):
        with _open_log(path) as log:
            log.write(b"line\n")
    assert path.read_bytes() == b"line\nline\n"


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege")
def test_open_log_symbolic_link_is_not_followed(data_folder: Path, tmp_path: Path) -> None:
    target, path = tmp_path / "target", data_folder / "logs" / "job.log"
    target.write_bytes(b"")
    path.parent.mkdir(parents=True)
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic link"):
        _open_log(path)
