"""One row of the table of jobs, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .._core.text_hash import hash_text

if TYPE_CHECKING:
    import sqlite3

#: The states of a job. A job starts as "queued". "sending" is stored immediately before the request that sends the message.
JobState = Literal["queued", "sending", "running", "done", "failed", "uncertain", "cancelled"]
#: The states of a job that can still change.
ACTIVE: tuple[JobState, ...] = ("queued", "sending", "running")


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """One job, as it is stored. Times are in seconds since the epoch.

    ``owner`` is the name of the store object that works on the job. ``batch`` and ``batch_key`` identify a message of a batch.
    ``partial`` is the reply's text so far, while the job is running. ``error`` and ``reply`` are JSON objects, or None. ``event``
    describes the newest change, which took place at ``updated_at``.
    """

    id: str
    state: JobState
    origin: str
    created_at: float
    updated_at: float
    text_hash: str
    owner: str | None = None
    sending_at: float | None = None
    text: str | None = field(default=None, repr=False)
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    transport: str | None = None
    conversation_id: str | None = None
    parent_message_id: str | None = None
    question_id: str | None = None
    batch: str | None = None
    batch_key: str | None = None
    error: dict[str, Any] | None = None
    partial: str | None = field(default=None, repr=False)
    reply: dict[str, Any] | None = field(default=None, repr=False)
    event: str | None = None

    @property
    def is_active(self) -> bool:
        """True if the job can still change."""
        return self.state in ACTIVE

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> JobRecord:
        """Return the record in a row of the table."""
        values: dict[str, Any] = dict(row)
        for name in JSON_COLUMNS:
            if values[name] is not None:
                values[name] = json.loads(values[name])
        return cls(**values)


#: The columns that contain JSON.
JSON_COLUMNS = ("options", "error", "reply")


def to_columns(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a row of the table. The values of JSON columns are encoded as text."""
    return {
        name: json.dumps(value, ensure_ascii=False) if name in JSON_COLUMNS and value is not None else value
        for name, value in values.items()
    }


def question_hash(text: str) -> str:
    """Return the hash of a message's text.

    The store always contains this hash. It contains the text only if the job was created with ``keep_text``.

    Differences in white space do not change the hash, because the site's page changes spaces and line ends.
    """
    return hash_text(" ".join(text.split()))
