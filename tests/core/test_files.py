"""The writer of the user's files: private, atomic, and never through something that another user has planted."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser._core.files import (
    create_private,
    encode_text,
    open_private,
    read_small_file,
    write_private,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

posix_only = pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and modes of POSIX")


@pytest.fixture
def open_umask() -> object:
    """Let new files be readable by everybody, unless their creator decides otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix_only
@pytest.mark.usefixtures("open_umask")
def test_written_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    write_private(old, "new")
    create_private(tmp_path / "created", "text")
    open_private(tmp_path / "opened").close()
    assert [mode_of(path) for path in tmp_path.iterdir()] == [0o600] * 3
    assert old.read_text() == "new"


@posix_only
@pytest.mark.parametrize("target", ["victim", "nothing", "link"])
def test_write_private_replaces_a_link_and_leaves_its_target(target: str, tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("precious")
    link.symlink_to(tmp_path / target)
    write_private(link, "text")
    assert not link.is_symlink() and link.read_text() == "text"
    assert victim.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "victim"]


@posix_only
def test_write_private_leaves_a_hard_linked_file(tmp_path: Path) -> None:
    victim, name = tmp_path / "victim", tmp_path / "name"
    victim.write_text("precious")
    name.hardlink_to(victim)
    write_private(name, "text")
    assert victim.read_text() == "precious"


@posix_only
@pytest.mark.timeout(60)
@pytest.mark.parametrize("write", [write_private, create_private, lambda path, _: open_private(path)])
@pytest.mark.parametrize("planted", ["fifo", "folder", "link to a fifo"])
def test_writers_refuse_what_is_not_a_file(
    write: Callable[[Path, str], object], planted: str, tmp_path: Path
) -> None:
    path = tmp_path / "planted"
    if planted == "folder":
        path.mkdir()
    elif planted == "fifo":
        os.mkfifo(path)
    else:
        os.mkfifo(tmp_path / "fifo")
        path.symlink_to(tmp_path / "fifo")
    before = path.lstat().st_ino
    with pytest.raises(OSError):
        write(path, "text")
    assert path.lstat().st_ino == before
    assert {each.name for each in tmp_path.iterdir()} <= {"planted", "fifo"}


@posix_only
def test_open_private_and_create_private_refuse_a_link(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    for target in (victim, tmp_path / "nothing"):
        victim.write_text("precious")
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(OSError, match="symbolic link"):
            open_private(link)
        with pytest.raises(FileExistsError):
            create_private(link, "text")
        assert victim.read_text() == "precious"
        assert not (tmp_path / "nothing").exists()


def test_write_private_leaves_temporary_files_of_others(tmp_path: Path) -> None:
    path = tmp_path / "name"
    others = [tmp_path / f"name.{os.getpid()}.tmp", tmp_path / "name.tmp"]
    for other in others:
        other.write_text("of another program")
    write_private(path, "text")
    with pytest.raises(OSError):
        write_private(tmp_path / "missing" / "name", "text")
    assert all(other.read_text() == "of another program" for other in others)
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_write_private_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "name"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_private(path, "new")
    with pytest.raises(OSError, match="No space left"):
        create_private(tmp_path / "other", "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_private_from_many_threads_leaves_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "name"
    texts = [str(number) * 10_000 for number in range(8)]
    threads = [threading.Thread(target=write_private, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("modified", [1e300, -1e300, float("nan"), float("inf"), 2.0**62, -1.0, 5.5])
def test_write_private_with_any_time_writes_the_file(modified: float, tmp_path: Path) -> None:
    write_private(tmp_path / "name", b"data", modified=modified)
    assert (tmp_path / "name").read_bytes() == b"data"
    if modified == 5.5:
        assert (tmp_path / "name").stat().st_mtime == pytest.approx(5.5, abs=1)


def test_write_private_with_long_name_succeeds(tmp_path: Path) -> None:
    write_private(tmp_path / ("x" * 255), "text")
    assert (tmp_path / ("x" * 255)).read_text() == "text"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ä\ud800b", "ä\ufffdb"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("😀", "😀"),
    ],
)
def test_encode_text_replaces_lone_surrogates(text: str, expected: str) -> None:
    assert encode_text(text).decode() == expected


@posix_only
@pytest.mark.parametrize("create", [os.mkdir, os.mkfifo])
def test_read_small_file_of_no_regular_file_is_refused(
    tmp_path: Path, create: Callable[[Path], None]
) -> None:
    path = tmp_path / "file"
    create(path)

    with pytest.raises(ValueError, match="it is not a regular file"):
        read_small_file(path, 100)
