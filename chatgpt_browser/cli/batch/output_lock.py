"""The lock of a batch's output: a second run on the same file is refused, on every platform."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import filelock

from chatgpt_browser._core.files import open_private

#: Attempts to lock the file while other runs end and remove it.
_ATTEMPTS = 10


class OutputLock:
    """Holds ``FILE.lock`` until it is released; the system releases it if the process is killed.

    :raises OSError: the file cannot be created.
    :raises filelock.Timeout: another process holds the lock.
    """

    def __init__(self, output: Path) -> None:
        self._path = output.with_name(f"{output.name}.lock")
        for _ in range(_ATTEMPTS):
            with open_private(self._path) as file:  # refuses a link; filelock would create the file too
                lock = filelock.FileLock(self._path, blocking=False, mode=0o600)
                lock.acquire()
                # A run that ends removes the file, and another one may create it again: then the lock is on a removed file.
                if _has_name(file, self._path):
                    self._lock = lock
                    return
                lock.release()
        raise filelock.Timeout(str(self._path))

    def release(self) -> None:
        """Remove the file and release the lock. May be called twice."""
        if self._lock.is_locked:
            try:
                self._path.unlink()  # before the release, so that the file of another run is not removed
            except OSError:  # Windows removes no open file
                self._lock.release()
                self._path.unlink(missing_ok=True)
            else:
                self._lock.release()


def _has_name(file: BinaryIO, path: Path) -> bool:
    """Return whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
