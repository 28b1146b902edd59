"""The owner of a job: a store object in a running process. A lock file shows whether the owner still exists."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

#: The owners in this process, as pairs of a process id and a name. This set is needed because a POSIX lock does not show whether
#: this process itself holds the lock.
_OWN: set[tuple[int, str]] = set()


class Owner:
    """Holds a lock on a file next to the store. The operating system releases the lock when the process ends in any way.

    A POSIX record lock (``lockf``) is used, because a forked child process does not inherit it.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._file: IO[bytes] | None = None
        # Two threads that create the first two jobs must not create two lock files.
        self._acquiring = threading.Lock()
        self._pid = 0
        self.name = ""

    def acquire(self) -> str:
        """If this owner has no lock file, create the file and lock it. Return the owner's name.

        :raises OSError: the file cannot be created.
        """
        with self._acquiring:
            if self._file is None or self._pid != os.getpid():
                self.name, self._pid = uuid.uuid4().hex, os.getpid()
                path = _lock_path(self._store, self.name)
                self._file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")  # noqa: SIM115
                _try_lock(self._file)
                _OWN.add((self._pid, self.name))
            return self.name

    def release(self) -> None:
        """Release the lock and delete the file. A second call, or a call in a forked process, has no effect."""
        if self._file is None or self._pid != os.getpid():
            return
        _OWN.discard((self._pid, self.name))
        self._file.close()
        self._file = None
        with suppress(OSError):
            _lock_path(self._store, self.name).unlink()


def is_alive(store: Path, name: str | None) -> bool:
    """Return whether the owner with this name still exists. If not, delete the owner's lock file."""
    if name is None:
        return False
    if (os.getpid(), name) in _OWN:
        return True
    path = _lock_path(store, name)
    try:
        with open(path, "r+b") as file:
            if not _try_lock(file):
                return True
    except FileNotFoundError:
        return False
    except OSError:
        # The file exists, but this process cannot open it. The owner is assumed to exist, so that its jobs are not taken over.
        return True
    with suppress(OSError):
        path.unlink()
    return False


def _lock_path(store: Path, name: str) -> Path:
    return store.parent / f"{store.name}-owner-{name}"


def _try_lock(file: IO[bytes]) -> bool:
    """Lock the file for this process. Return False if another process holds the lock."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
