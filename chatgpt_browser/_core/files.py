"""The files that the package writes for its users, and files of the user that are read whole.

Files are written private, complete, and never through a planted link: another user of the machine may be able to create names
in the folder. Therefore a file is created exclusively under a random name and then moved to its own name: a link of that name
is replaced instead of followed, and a FIFO is never opened.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PRIVATE = 0o600
#: Flags that Windows, or POSIX, does not have.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)
#: Attempts to find a random name that is not in use.
_ATTEMPTS = 100


def encode_text(text: str) -> bytes:
    """Encode a text as UTF-8. Halves of characters (lone surrogates) become U+FFFD, because UTF-8 cannot contain them."""
    return whole_characters(text).encode()


def whole_characters(text: str) -> str:
    """Return a text with U+FFFD in place of lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def write_private(path: Path, content: bytes | str, *, modified: float | None = None) -> None:
    """Write a file with mode 0600, atomically: a concurrent reader gets the whole old file or the whole new one.

    The content is synced to disk. ``modified`` is the file's modification time, in seconds since 1970; a time that the file
    system cannot store is ignored.

    :raises OSError: the file cannot be written, or the name belongs to something that is not a file, such as a FIFO.
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


def create_private(path: Path, content: bytes | str) -> None:
    """Write a new file with mode 0600, synced to disk.

    :raises FileExistsError: there is something with this name, even a link to nothing.
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
    """Open a file for reading and appending; create it with mode 0600 if it does not exist.

    :raises OSError: the file cannot be opened, or the name belongs to a link or to something else that is not a file.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_FOLLOW | _NO_WAIT | _BINARY
    if not _NO_FOLLOW and path.is_symlink():  # Windows
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
    """Write to an open file, and sync it to disk."""
    file.write(data)
    _sync(file)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that a new name in it survives a power failure. File systems that cannot do this are left alone."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check_replaceable(path: Path) -> None:
    """Check that a name is free, or belongs to a file, or to a link that does not lead to a device or a FIFO.

    ``/dev/stdout`` is such a link: replacing it would damage the system.
    """
    checks: tuple[Callable[[], os.stat_result], ...] = (path.lstat, path.stat)
    for look in checks:
        try:
            mode = look().st_mode
        except FileNotFoundError:
            return
        except OSError:  # a link that leads to itself or through a file
            if path.is_symlink():
                return
            raise
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(None, "it is not a regular file", str(path))


@contextlib.contextmanager
def _temporary_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Create a file with a random name; remove it at the end of the block, unless it has been moved. Nothing else is removed."""
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
    """Return the text of a regular file of at most ``limit`` bytes, in UTF-8, or in UTF-16 with a byte order mark.

    :raises OSError: the file cannot be opened.
    :raises ValueError: the path is not a regular file, or the file is larger than ``limit`` or is not text.
    """
    # Without O_NONBLOCK, opening a FIFO waits for its writer.
    flags = os.O_RDONLY | _NO_WAIT | _BINARY | getattr(os, "O_CLOEXEC", 0)
    with open(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is not a regular file")
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
