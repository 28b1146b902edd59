"""Writes files that only their owner can read, and reads small files of the user.

An existing file is replaced as a whole. Another user of the machine could create a link or a FIFO with the file's name in the
folder. Therefore the new file first gets a random name that does not exist yet, and is then renamed to its final name. The
renaming replaces a link instead of following it, and a FIFO is never opened.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PRIVATE = 0o600
#: Flags of `os.open`. If the platform does not define a flag, its value is 0, which has no effect.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
#: The maximum number of attempts to find a random name that is not in use.
_ATTEMPTS = 100


def path_of_user(text: str) -> Path:
    """Return the path in ``text``. ``~`` means the user's home folder, and ``~name`` the home folder of the user ``name``.

    If there is no user ``name``, the path is returned unchanged. For example, ``~$report.docx`` (a temporary file of an editor)
    stays unchanged, because there is no user ``$report.docx``.
    """
    return Path(os.path.expanduser(text))  # `Path.expanduser` raises an error for an unknown user


def encode_text(text: str) -> bytes:
    """Encode a text as UTF-8. Lone surrogates become U+FFFD, because UTF-8 cannot represent them."""
    return whole_characters(text).encode()


def whole_characters(text: str) -> str:
    """Return the text with U+FFFD in place of each lone surrogate (a half of a surrogate pair)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def write_private(path: Path, content: bytes | str, *, modified: float | None = None) -> None:
    """Write a file with mode 0600, atomically: a concurrent reader gets either the whole old file or the whole new file.

    The content is synced to disk. ``modified`` is the file's modification time, in seconds since 1970. If the file system cannot
    store this time, the time is ignored.

    :raises OSError: the file cannot be written, or the path exists and is not a regular file (for example, it is a FIFO).
    """
    data = encode_text(content) if isinstance(content, str) else content
    _check_replaceable(path)
    with _temporary_file(path.parent) as (temporary, file):
        file.write(data)
        _sync(file)
        if modified is not None:
            with contextlib.suppress(OSError, OverflowError, ValueError):
                os.utime(temporary, (modified, modified))
        file.close()
        temporary.replace(path)
    sync_folder(path.parent)


@contextlib.contextmanager
def new_private_file(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Yield an open file, and give it the name ``path`` at the end of the block. If the block raises an error, remove the file.

    At the end of the block, the content is synced to disk. The file has the mode 0600.

    :param overwrite: if True, an existing file is replaced.
    :raises FileExistsError: the path exists, and ``overwrite`` is False.
    :raises OSError: the file cannot be written, or the path exists and is not a regular file (for example, it is a FIFO).
    """
    check_free(path, overwrite=overwrite)
    with _temporary_file(path.parent) as (temporary, file):
        yield file
        _sync(file)
        file.close()
        if overwrite:
            temporary.replace(path)
        else:
            move_new(temporary, path)
    sync_folder(path.parent)


def check_free(path: Path, *, overwrite: bool) -> None:
    """Check that a file may be written at ``path``: the path does not exist, or it is a file and ``overwrite`` is True.

    :raises FileExistsError: the path exists, and ``overwrite`` is False.
    :raises OSError: the path exists but is not a regular file (for example, it is a FIFO).
    """
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    _check_replaceable(path)


def move_new(temporary: Path, path: Path) -> None:
    """Rename ``temporary`` to ``path``, but do not replace an existing file.

    :raises FileExistsError: ``path`` exists.
    """
    if os.name == "nt":
        temporary.rename(path)  # on Windows, this fails if the path exists
        return
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # the file system has no hard links
        check_free(path, overwrite=False)
        temporary.rename(path)


def create_private(path: Path, content: bytes | str) -> None:
    """Write a new file with mode 0600, and sync it to disk.

    :raises FileExistsError: the path already exists, even if it is only a broken link.
    :raises OSError: the file cannot be written.
    """
    data = encode_text(content) if isinstance(content, str) else content
    file = _create(path)
    try:
        with file:
            file.write(data)
            _sync(file)
    except BaseException:
        path.unlink()
        raise
    sync_folder(path.parent)


def open_private(path: Path) -> BinaryIO:
    """Open a file for reading and appending. If the file does not exist, create it with mode 0600.

    :raises OSError: the file cannot be opened, is a symbolic link, or is not a regular file.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_FOLLOW | _NO_WAIT | _BINARY
    if not _NO_FOLLOW and path.is_symlink():  # Windows has no O_NOFOLLOW.
        raise OSError(None, "it is a symbolic link")
    try:
        descriptor = os.open(path, flags, _PRIVATE)
    except OSError:
        if path.is_symlink():
            raise OSError(None, "it is a symbolic link") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "it is not a regular file")
    return os.fdopen(descriptor, "a+b")


def append_synced(file: BinaryIO, data: bytes) -> None:
    """Append data to an open file, and sync the file to disk."""
    file.write(data)
    _sync(file)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that a new name in it survives a power failure. If the file system does not support this, do nothing."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check_replaceable(path: Path) -> None:
    """Check that the path may be replaced: it does not exist, is a regular file or a link to one, or is a broken link.

    A link to a device or to a FIFO must not be replaced. For example, ``/dev/stdout`` is a link that may lead to a device.
    Replacing this link would damage the system.

    :raises OSError: the path must not be replaced.
    """
    checks: tuple[Callable[[], os.stat_result], ...] = (path.lstat, path.stat)
    for look in checks:
        try:
            mode = look().st_mode
        except FileNotFoundError:
            return
        except OSError:  # For example, a symbolic link leads to itself.
            if path.is_symlink():
                return
            raise
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(None, "it is not a regular file", str(path))


@contextlib.contextmanager
def _temporary_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Create a file with a random name, and yield its path and the open file.

    If the file still has this path at the end of the block, remove the file.
    """
    for _ in range(_ATTEMPTS):
        path = folder / f".{os.urandom(8).hex()}.tmp"
        try:
            file = _create(path)
        except FileExistsError:
            continue
        break
    else:
        raise FileExistsError(None, "no free name for a temporary file", str(folder))
    try:
        with file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def read_small_file(path: Path, limit: int) -> str:
    """Return the text of a regular file of at most ``limit`` bytes. The file is UTF-8, or UTF-16 with a byte order mark.

    :raises OSError: the file cannot be opened.
    :raises ValueError: the file is not a regular file, is larger than ``limit``, or is not text.
    """
    # If the path is a FIFO, `os.open` without O_NONBLOCK would wait until another process opens the FIFO for writing.
    flags = os.O_RDONLY | _NO_WAIT | _BINARY | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags)
    # This is checked before `open`: for a folder, the error of `open` would contain the descriptor instead of the path.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("it is not a regular file")
    with open(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"it is larger than {limit:,} bytes")
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not a text file") from None


def _create(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY, _PRIVATE)
    return os.fdopen(descriptor, "wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file)
