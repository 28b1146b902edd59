"""Functions that write files with access for the owner only, and that read small text files."""

from __future__ import annotations

import codecs
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Write a file with mode 0600, atomically: a concurrent reader gets the whole old file or the whole new one."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(fresh, "wb", opener=_private) as file:
            file.write(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)


def read_small_file(path: Path, limit: int) -> str:
    """Return the text of a regular file of at most ``limit`` bytes, in UTF-8, or in UTF-16 with a byte order mark.

    :raises OSError: the file cannot be opened.
    :raises ValueError: the path is not a regular file, or the file is larger than ``limit`` or is not text.
    """
    # Without O_NONBLOCK, `os.open` on a FIFO blocks until another process opens the FIFO for writing.
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    )
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
