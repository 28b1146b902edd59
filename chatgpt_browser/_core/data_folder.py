"""The folder for data that stays on disk between runs. The library and the command line use the same folder."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: The environment variable that contains the path of the folder.
DATA_FOLDER = "CHATGPT_DATA_DIR"


def default_data_folder() -> Path:
    """Return the path of the data folder.

    If the variable ``CHATGPT_DATA_DIR`` is set, the result is the path in this variable. Otherwise the data folder is a subfolder
    of the platform's folder for application data.

    :raises RuntimeError: the user has no home folder.
    """
    if given := os.environ.get(DATA_FOLDER):
        return Path(given)
    import platformdirs

    return platformdirs.user_data_path("chatgpt-browser-api", appauthor=False)


def create_data_folder(folder: Path) -> None:
    """Create the folder if it does not exist, and set its mode to 0700, so that only its owner can access it.

    :raises OSError: the folder cannot be created, or is shared by several users, like ``/tmp``.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & stat.S_ISVTX:  # Other users need this folder, so its mode must not be changed.
        raise PermissionError(
            errno.EPERM, "several users share this folder; choose a folder in it", str(folder)
        )
    folder.chmod(0o700)
