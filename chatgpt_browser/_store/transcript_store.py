"""The transcript store: stores the positions at which conversations of the site can be continued.

A position is a message of a conversation. Its key is the hash of all messages up to this message (the transcript), or the id of a
response of `chatgpt-browser serve`.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .database import Database
from .job_store import default_store_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from pathlib import Path

#: An entry is deleted after this number of seconds (90 days).
_LIFETIME = 90 * 24 * 3600.0
#: The maximum number of entries. If there are more entries, the oldest entries are deleted.
_MAX_ENTRIES = 20_000


@dataclass(frozen=True)
class StoredPosition:
    """A position at which a conversation of the site can be continued.

    ``conversation_id`` is the id of the conversation. The next message is sent after the message
    ``message_id``.

    ``instructions`` is the hash of the field ``instructions`` in the request whose answer is the message ``message_id``, or None.
    """

    conversation_id: str
    message_id: str
    instructions: str | None = None


class TranscriptStore:
    """Positions in conversations, in the SQLite file of the job store.

    The methods block, so asynchronous code calls them in a thread.

    :param path: the path of the file, or None for the file in the data folder.
    :param clock: a function that returns the time in seconds since the epoch.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path if path is not None else default_store_path())
        self._clock = clock
        # If `close` is never called, for example because the ASGI server sends no lifespan events, the file is closed when this
        # object is deleted.
        weakref.finalize(self, self._database.close)

    def add(self, keys: Iterable[str], position: StoredPosition) -> None:
        """Store a position under several keys. An earlier position with one of these keys is replaced.

        :raises JobStoreError: the position cannot be stored.
        """
        now = self._clock()
        with self._database.transaction() as connection:
            for key in keys:
                connection.execute(
                    "INSERT OR REPLACE INTO transcripts "
                    "(key, conversation_id, message_id, instructions, created_at) VALUES (?, ?, ?, ?, ?)",
                    (key, position.conversation_id, position.message_id, position.instructions, now),
                )
            _delete_old(connection, now)

    def find(self, key: str) -> StoredPosition | None:
        """Return the position that is stored under this key, or None.

        :raises JobStoreError: the store cannot be read.
        """
        rows = self._database.query("SELECT * FROM transcripts WHERE key = ?", key)
        return _position(rows[0]) if rows else None

    def claim(self, key: str) -> StoredPosition | None:
        """Return the position with this key, and mark it as continued. Return None if it is missing or already marked.

        Therefore, two requests with the same history never continue the same position of a conversation.

        :raises JobStoreError: the mark cannot be stored.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT * FROM transcripts WHERE key = ? AND NOT is_continued", (key,)
            ).fetchone()
            if row is None:
                return None
            self._mark(connection, row["message_id"], is_continued=True)
        return _position(row)

    def mark(self, position: StoredPosition, *, is_continued: bool) -> bool:
        """Set or remove the mark that :meth:`claim` gives to a position. Return whether this changed the mark.

        :raises JobStoreError: the change cannot be stored.
        """
        with self._database.transaction() as connection:
            return self._mark(connection, position.message_id, is_continued=is_continued)

    def forget(self, position: StoredPosition) -> None:
        """Delete all positions of a conversation, because the site no longer has the conversation.

        :raises JobStoreError: the change cannot be stored.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM transcripts WHERE conversation_id = ?", (position.conversation_id,)
            )

    def close(self) -> None:
        """Close the file. The next call opens the file again."""
        self._database.close()

    @staticmethod
    def _mark(connection: sqlite3.Connection, message_id: str, *, is_continued: bool) -> bool:
        changed = connection.execute(
            "UPDATE transcripts SET is_continued = ? WHERE message_id = ? AND is_continued != ?",
            (is_continued, message_id, is_continued),
        )
        return changed.rowcount > 0


def _position(row: sqlite3.Row) -> StoredPosition:
    return StoredPosition(row["conversation_id"], row["message_id"], row["instructions"])


def _delete_old(connection: sqlite3.Connection, now: float) -> None:
    connection.execute("DELETE FROM transcripts WHERE created_at < ?", (now - _LIFETIME,))
    connection.execute(
        "DELETE FROM transcripts WHERE key IN "
        "(SELECT key FROM transcripts ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?)",
        (_MAX_ENTRIES,),
    )
