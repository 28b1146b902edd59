"""The creation of the data folder."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser._core.data_folder import create_data_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def test_create_data_folder_makes_an_existing_folder_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    create_data_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_create_data_folder_shared_folder_is_refused_and_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(PermissionError, match="several users share this folder"):
        create_data_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
