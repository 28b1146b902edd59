"""The sent messages and the known limits of each account, in the job store. Several processes may use one file."""

from __future__ import annotations

import json
import weakref
from typing import TYPE_CHECKING, Any

from .._core.pace import HOUR, KnownLimit, PaceState
from .._core.text_hash import hash_text
from .database import Database
from .job_store import default_store_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

#: The time in seconds between the end of a limit and its deletion.
_LIMIT_RETENTION = 24 * HOUR
#: The maximum number of stored session tokens. The site may replace the token each time the session is refreshed.
_MAX_TOKENS = 100


class PaceLedger:
    """Stores the sent messages and the limits of accounts in a SQLite file. The first call opens the file. The methods block.

    The file contains hashes instead of tokens and user ids.

    :param path: the path of the job store, or None for the file in the data folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(path if path is not None else default_store_path())
        weakref.finalize(self, self._database.close)

    def state(self, account: str) -> PaceState:
        """Return the sent messages and the limits of an account.

        :raises JobStoreError: the store cannot be read.
        """
        return _read_state(self._database.query, account)

    def reserve(
        self, account: str, now: float, wait: Callable[[PaceState], float]
    ) -> tuple[float, int | None]:
        """Record a message if it may be sent now. The check and the record are one transaction.

        :param wait: a function that returns the seconds until the message may be sent, or raises an error if the message must not
            be sent.
        :returns: the result of ``wait``, and the number of the record. The number is None if the message has to wait.
        :raises JobStoreError: the message cannot be recorded.
        """
        with self._database.transaction() as connection:
            state = _read_state(lambda sql, *values: connection.execute(sql, values).fetchall(), account)
            seconds = wait(state)
            if seconds > 0:
                return seconds, None
            # Delete the records that are older than an hour, except the newest record, because `min_interval` may be longer than
            # an hour.
            connection.execute(
                "DELETE FROM sends WHERE account = ? AND sent_at < ? "
                "AND sent_at < (SELECT MAX(sent_at) FROM sends WHERE account = ?)",
                (account, now - HOUR, account),
            )
            inserted = connection.execute(
                "INSERT INTO sends (account, sent_at) VALUES (?, ?)", (account, now)
            )
            return 0.0, inserted.lastrowid

    def confirm(self, record: int, sent_at: float) -> None:
        """Store the time at which the message of a record was sent.

        :raises JobStoreError: the change cannot be stored.
        """
        with self._database.transaction() as connection:
            connection.execute("UPDATE sends SET sent_at = ? WHERE rowid = ?", (sent_at, record))

    def withdraw(self, record: int) -> None:
        """Delete the record of a message that was not sent.

        :raises JobStoreError: the change cannot be stored.
        """
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sends WHERE rowid = ?", (record,))

    def remember(self, account: str, limit: KnownLimit) -> None:
        """Store a limit of an account, in place of an earlier limit with the same name.

        :raises JobStoreError: the limit cannot be stored.
        """
        values = (account, limit.name, limit.until, limit.recorded_at, limit.message)
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM rate_limits WHERE until < ?", (limit.recorded_at - _LIMIT_RETENTION,)
            )
            connection.execute(
                "INSERT OR REPLACE INTO rate_limits (account, scope, until, recorded_at, message, details) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (*values, json.dumps(limit.details)),
            )

    def find_account(self, session_token: str) -> str | None:
        """Return the account of a session token that was used before, or None.

        :raises JobStoreError: the store cannot be read.
        """
        rows = self._database.query(
            "SELECT account FROM accounts WHERE token_hash = ?", hash_text(session_token)
        )
        return rows[0]["account"] if rows else None

    def note_account(self, session_token: str, account: str, now: float) -> None:
        """Store the account of a session token. Only the hash of the token is stored.

        :raises JobStoreError: the account cannot be stored.
        """
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO accounts (token_hash, account, seen_at) VALUES (?, ?, ?)",
                (hash_text(session_token), account, now),
            )
            connection.execute(
                "DELETE FROM accounts WHERE token_hash NOT IN "
                "(SELECT token_hash FROM accounts ORDER BY seen_at DESC LIMIT ?)",
                (_MAX_TOKENS,),
            )

    def close(self) -> None:
        """Close the file. The next call opens the file again."""
        self._database.close()


def _read_state(query: Callable[..., list[sqlite3.Row]], account: str) -> PaceState:
    sent_at = tuple(row["sent_at"] for row in query("SELECT sent_at FROM sends WHERE account = ?", account))
    rows = query("SELECT * FROM rate_limits WHERE account = ?", account)
    return PaceState(sent_at, tuple(map(_limit_of_row, rows)))


def _limit_of_row(row: sqlite3.Row) -> KnownLimit:
    details: dict[str, Any] = json.loads(row["details"])
    return KnownLimit(row["scope"], row["until"], row["recorded_at"], row["message"], details)
