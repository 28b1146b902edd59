"""The lock on the output of a batch. It prevents, on every platform, that two runs write to the same file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import filelock

from chatgpt_browser._core.files import open_private

#: The maximum number of attempts to lock the file. An attempt fails if another run ends during the attempt and removes the file.
_ATTEMPTS = 10


class OutputLock:
    """A lock on the file ``FILE.lock``, held until :meth:`release`. If the process is killed, the system releases the lock.

    :raises OSError: the file cannot be created.
    :raises filelock.Timeout: another process holds the lock.
    """

    def __init__(self, output: Path) -> None:
        self._path = output.with_name(f"{output.name}.lock")
        for _ in range(_ATTEMPTS):
            # filelock would also create the file. But only `open_private` raises an error if the path is a symbolic link.
            with open_private(self._path) as file:
                lock = filelock.FileLock(self._path, blocking=False, mode=0o600)
                lock.acquire()
                # Another run may have removed this file at its end, and a third run may have created a new file with the
                # same name. In this case, the acquired lock has no effect, because it is a lock on the removed file.
                if _has_name(file, self._path):
                    self._lock = lock
                    return
                lock.release()
        raise filelock.Timeout(str(self._path))

    def release(self) -> None:
        """Remove the file and release the lock. A second call has no effect."""
        if self._lock.is_locked:
            try:
                # The file is removed before the lock is released. After the release, another run may already use the file.
                self._path.unlink()
            except OSError:  # Windows cannot remove an open file.
                self._lock.release()
                self._path.unlink(missing_ok=True)
            else:
                self._lock.release()


def _has_name(file: BinaryIO, path: Path) -> bool:
    """Return whether the path still leads to this open file. If the file was deleted or replaced, the result is False."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
