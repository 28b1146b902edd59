"""The tables of the job store, and the migrations from older versions of these tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

#: The statements of each migration. ``MIGRATIONS[n]`` changes version ``n`` of the tables to version ``n + 1``. A new file has
#: version 0. Never change a migration that was released: add another migration.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            state TEXT NOT NULL,
            owner TEXT,
            origin TEXT NOT NULL,
            created_at REAL NOT NULL,
            updated_at REAL NOT NULL,
            sending_at REAL,
            text_hash TEXT NOT NULL,
            text TEXT,
            options TEXT NOT NULL DEFAULT '{}',
            transport TEXT,
            conversation_id TEXT,
            parent_message_id TEXT,
            question_id TEXT,
            batch TEXT,
            batch_key TEXT,
            error TEXT,
            partial TEXT,
            reply TEXT
        )
        """,
        "CREATE INDEX jobs_by_time ON jobs (created_at)",
        "CREATE INDEX jobs_by_batch ON jobs (batch, batch_key)",
    ),
    (
        "CREATE TABLE sends (account TEXT NOT NULL, sent_at REAL NOT NULL)",
        "CREATE INDEX sends_by_account ON sends (account, sent_at)",
        """
        CREATE TABLE rate_limits (
            account TEXT NOT NULL,
            scope TEXT NOT NULL,
            until REAL NOT NULL,
            recorded_at REAL NOT NULL,
            message TEXT NOT NULL,
            details TEXT NOT NULL DEFAULT '{}',
            PRIMARY KEY (account, scope)
        )
        """,
    ),
    ("ALTER TABLE jobs ADD COLUMN event TEXT",),
    ("CREATE TABLE accounts (token_hash TEXT PRIMARY KEY, account TEXT NOT NULL, seen_at REAL NOT NULL)",),
    (
        """
        CREATE TABLE transcripts (
            key TEXT PRIMARY KEY,
            conversation_id TEXT NOT NULL,
            message_id TEXT NOT NULL,
            instructions TEXT,
            is_continued INTEGER NOT NULL DEFAULT 0,
            created_at REAL NOT NULL
        )
        """,
        "CREATE INDEX transcripts_by_time ON transcripts (created_at)",
    ),
)
SCHEMA_VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Change the tables of an open file to the current version, in one transaction.

    :raises FutureVersionError: a newer version of this package has written the file.
    """
    version = _version(connection)
    if version == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # The version is read again, because another process may have migrated the file before this process got the write lock.
        version = _version(connection)
        if version > SCHEMA_VERSION:
            raise FutureVersionError(version)
        for statement in (statement for migration in MIGRATIONS[version:] for statement in migration):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class FutureVersionError(Exception):
    """The tables have a newer version than this package supports. ``args[0]`` is the version."""


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
