"""A new file appears as a whole, and replaces another file only if the caller allows this."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser._core.files import new_private_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("has_links", [True, False], ids=["hard links", "no hard links"])
@pytest.mark.parametrize("overwrite", [True, False], ids=["overwrite", "new"])
def test_new_private_file_appears_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", _fail)
    path = tmp_path / "a.bin"
    with new_private_file(path, overwrite=overwrite) as file:
        file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["a.bin"]


def _fail(*_: object, **__: object) -> None:
    raise OSError(95, "Operation not supported")


def test_new_private_file_error_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError), new_private_file(tmp_path / "a.bin", overwrite=False) as file:
        file.write(b"half")
        raise ValueError
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("has_links", [True, False], ids=["hard links", "no hard links"])
def test_new_private_file_created_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", _fail)
    path = tmp_path / "a.bin"
    with pytest.raises(FileExistsError), new_private_file(path, overwrite=False) as file:
        file.write(b"new")
        path.write_bytes(b"other")
    assert path.read_bytes() == b"other"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_new_private_file_broken_link_counts_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.bin").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError), new_private_file(tmp_path / "a.bin", overwrite=False):
        pass
    with new_private_file(tmp_path / "a.bin", overwrite=True) as file:
        file.write(b"new")
    assert not (tmp_path / "nowhere").exists()


def test_new_private_file_fifo_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with (
        pytest.raises(OSError, match="not a regular file"),
        new_private_file(tmp_path / "fifo", overwrite=True),
    ):
        pass
