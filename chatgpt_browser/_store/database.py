"""The SQLite file of the job store: opens the file, runs transactions, and converts SQLite's errors."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._core.errors import JobStoreError
from .._core.files import whole_characters
from .schema import SCHEMA_VERSION, FutureVersionError, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: SQLite waits for this number of seconds if another process holds the write lock.
_BUSY_TIMEOUT = 30.0

#: A lock that is held while a new file is created and closed. Otherwise, closing the file could release the locks of a connection
#: that another thread has just opened.
_CREATING = threading.Lock()


class _Connection(sqlite3.Connection):
    """A connection that stores U+FFFD in place of each lone surrogate. SQLite stores UTF-8, which has no surrogates."""

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        """Run a statement. ``values`` is a sequence."""
        return super().execute(
            statement, [whole_characters(value) if isinstance(value, str) else value for value in values]
        )


class Database:
    """A SQLite file. The first transaction opens the file. Threads may share the object: a lock serialises transactions.

    Several processes may use one file. The methods block, so asynchronous code calls them in a worker thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the file's write lock during the block. Commit at the end of the block, or roll back if the block fails.

        :raises JobStoreError: the file cannot be opened, read or written.
        """
        with self._lock, self._converting_errors():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back after some errors, for example after a full disk.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def query(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """Run a statement that only reads, and return its rows.

        :raises JobStoreError: the file cannot be opened or read.
        """
        with self._lock, self._converting_errors():
            return self._open().execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file. The next call opens the file again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._pid == os.getpid():
                connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid == os.getpid():
            return self._connection
        # A connection of the parent process must not be used or closed after a fork (https://sqlite.org/howtocorrupt.html).
        self._connection, self._pid = None, os.getpid()
        self._create_file()
        connection = sqlite3.connect(
            self.path,
            timeout=_BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode, only FULL keeps a committed transaction after a power failure.
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _create_file(self) -> None:
        """Create the folder with mode 0700 and the file with mode 0600. SQLite gives its other files the same mode."""
        if not self.path.parent.is_dir():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # An existing file is not opened here: POSIX releases all locks of a process on a file when the process closes any
        # descriptor of the file, including the locks of another connection (https://sqlite.org/howtocorrupt.html, section 2.2).
        with _CREATING:
            try:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                mode = self.path.stat().st_mode
                if not stat.S_ISREG(mode):  # The mode of a folder or a device must not be changed.
                    raise OSError(errno.EINVAL, "it is not a regular file") from None
                if os.name == "posix" and mode & 0o077:
                    self.path.chmod(0o600)

    @contextmanager
    def _converting_errors(self) -> Iterator[None]:
        try:
            yield
        except FutureVersionError as exc:
            raise JobStoreError(
                f"The job store {self.path} has version {exc.args[0]}. This version of chatgpt-browser-api supports version "
                f"{SCHEMA_VERSION}. Nothing was changed. Update the package, or set job_store to another path."
            ) from None
        except (sqlite3.Error, OSError) as exc:
            raise JobStoreError(_describe(exc, self.path)) from exc


def _describe(error: sqlite3.Error | OSError, path: Path) -> str:
    """Return the message of the error: what failed, and what the user can do."""
    reason = str(getattr(error, "strerror", None) or error).rstrip(".")
    return f"The job store {path} cannot be used: {reason}. {_action(error, reason)}"


def _action(error: sqlite3.Error | OSError, reason: str) -> str:
    # The texts are SQLite's (https://sqlite.org/rescode.html). Python 3.10 does not provide the codes.
    if "malformed" in reason or "not a database" in reason:
        return "The file is damaged or is not a job store. Move the file away to start with an empty store."
    if "full" in reason or getattr(error, "errno", None) == errno.ENOSPC:
        return "The disk is full. Free some space, and try again."
    if "locked" in reason:
        return f"Another process has locked the file for more than {_BUSY_TIMEOUT:.0f} s."
    if "readonly" in reason or isinstance(error, PermissionError):
        return "The file or its folder is read-only. Set job_store or CHATGPT_DATA_DIR to a path that you can write."
    return "Check that the folder exists and that you can write there, or set job_store to another path."
