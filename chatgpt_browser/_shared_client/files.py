"""The files in the replies of a shared client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._client.reply_file import _FileFields

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from pathlib import Path

    from .._protocol.file_refs import FileRef


class SharedFile(_FileFields):
    """A file of a reply; see `ReplyFile`. The process of the service writes the file."""

    def __init__(self, ref: FileRef, save: Callable[[FileRef, str, bool], Path]) -> None:
        self._ref = ref
        self._save = save

    def save(self, path_or_folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file to disk, and return its path; see :meth:`ReplyFile.save`."""
        given = os.fspath(path_or_folder)
        # A separator at the end means that the path is a folder. `abspath` removes this separator, so it is added again.
        end = os.sep if given.endswith(("/", os.sep)) else ""
        return self._save(self._ref, os.path.abspath(os.path.expanduser(given)) + end, overwrite)
