"""The key of `serve`. The first start creates it, and later starts use the same key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatgpt_browser._core.files import new_private_file, read_small_file

if TYPE_CHECKING:
    from pathlib import Path

    from ..state.data_folder import DataFolder

#: Some programs accept only keys that begin like OpenAI's.
_PREFIX = "sk-"
_MAX_KEY = 1000


def load_server_key(folder: DataFolder) -> str:
    """Return the key in the data folder. If there is no key file, create one that only its owner can read.

    :raises OSError: the file cannot be read or written, or an existing file contains no key.
    """
    import secrets  # loaded on first use, so that the other commands start faster

    path = folder.server_key
    if not path.exists():
        folder.create()
        try:
            with new_private_file(path, overwrite=False) as file:
                file.write(f"{_PREFIX}{secrets.token_urlsafe(32)}\n".encode())
        except FileExistsError:
            pass  # Another process has created the file at the same time.
    try:
        key = read_small_file(path, _MAX_KEY).strip()
    except ValueError as error:
        raise _damaged(path, str(error)) from None
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise _damaged(path, "it contains no key")
    path.chmod(0o600)
    return key


def _damaged(path: Path, reason: str) -> OSError:
    return OSError(f"The key cannot be read from {path}: {reason}. Delete the file to get a new key.")
