"""The job store: creates jobs, changes their states and finds jobs. Each change is one transaction."""

from __future__ import annotations

import time
import uuid
import weakref
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.data_folder import default_data_folder
from .._core.errors import JobNotFoundError, JobStoreError
from .database import Database
from .job_record import ACTIVE, JobRecord, question_hash, to_columns
from .owner import Owner, is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .job_record import JobState

FILE_NAME = "jobs.sqlite3"


def default_store_path() -> Path:
    """Return the path of the job store in the data folder.

    :raises RuntimeError: the user has no home folder.
    """
    return default_data_folder() / FILE_NAME


class JobStore:
    """The jobs in a SQLite file. The first call opens the file. The methods block: asynchronous code calls them in a thread.

    :param path: the path of the file, or None for the file in the data folder.
    :param clock: a function that returns the time in seconds since the epoch.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self.path: Path = Path(path) if path is not None else default_store_path()
        self.database: Database = Database(self.path)
        self._clock = clock
        self._owner = Owner(self.path)
        weakref.finalize(self, _close, self.database, self._owner)

    # ---- changing jobs -----------------------------------------------------------------------------------------------

    def create(self, *, origin: str, text: str, keep_text: bool = False, **values: Any) -> JobRecord:
        """Add a job with the state ``"queued"``, and return the job's record. This store object owns the job.

        :raises JobStoreError: the job cannot be stored.
        """
        now = self._clock()
        record = JobRecord(
            id=values.pop("id", None) or uuid.uuid4().hex[:12],
            state="queued",
            origin=origin,
            created_at=now,
            updated_at=now,
            text_hash=question_hash(text),
            text=text if keep_text else None,
            owner=self._own_name(),
            event="the message waits to be sent",
            **values,
        )
        columns = to_columns(asdict(record))
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        with self.database.transaction() as connection:
            connection.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", tuple(columns.values()))
        return record

    def change(
        self, job_id: str, *, before: Iterable[JobState] = ACTIVE, owned: bool = False, **values: Any
    ) -> JobRecord | None:
        """Change columns of a job if its state is one of ``before``, and return the new record. Otherwise return None.

        :param owned: if True, change the job only if this store object owns it.
        :raises JobStoreError: the change cannot be stored.
        """
        values["updated_at"] = self._clock()
        if values.get("state") == "sending":
            values.setdefault("sending_at", values["updated_at"])
        elif values.get("state") not in (None, *ACTIVE):
            values["owner"] = None
        columns = to_columns(values)
        states = tuple(before)
        owners = (self._owner.name,) if owned else ()
        condition = f"state IN ({', '.join('?' * len(states))}){' AND owner = ?' if owned else ''}"
        return self._update(columns, condition, job_id, *states, *owners)

    def claim(self, record: JobRecord) -> JobRecord | None:
        """Take an active job over from an owner that no longer exists.

        If the job is not active, or if the owner still exists, return None. A job in ``"queued"`` becomes ``"failed"``, because
        its message was not sent.

        :raises JobStoreError: the change cannot be stored.
        """
        if not record.is_active or self.has_owner(record):
            return None
        event = "another process has taken the job over"
        values = {"owner": self._own_name(), "updated_at": self._clock(), "event": event}
        if record.state == "queued":
            message = "The process ended before it sent the message. The message was not sent."
            error = {"type": "ChatGPTError", "message": message}
            values |= to_columns({"state": "failed", "owner": None, "error": error})
        return self._update(values, "state = ? AND owner IS ?", record.id, record.state, record.owner)

    def _update(
        self, columns: dict[str, Any], condition: str, job_id: str, *parameters: Any
    ) -> JobRecord | None:
        """If a job meets a condition, change columns of the job and return the new record. Otherwise return None."""
        assignments = ", ".join(f"{name} = ?" for name in columns)
        with self.database.transaction() as connection:
            cursor = connection.execute(
                f"UPDATE jobs SET {assignments} WHERE id = ? AND {condition}",
                (*columns.values(), job_id, *parameters),
            )
            if not cursor.rowcount:
                return None
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return JobRecord.of_row(row)

    def disown(self, job_id: str) -> None:
        """Give up the ownership of a job, so that another store object can take the job over at once."""
        event = "the process that read the reply has left the job"
        self.change(job_id, owned=True, owner=None, event=event)

    def forget(self, job_id: str) -> None:
        """Delete a job that is not active.

        :raises JobNotFoundError: there is no job with this id.
        :raises JobStoreError: the job is active, or the change cannot be stored.
        """
        with self.database.transaction() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise _not_found(job_id)
            if (state := JobRecord.of_row(row).state) in ACTIVE:
                raise JobStoreError(
                    f"The job {job_id} is still {state}. Cancel the job or wait for it, and then forget it."
                )
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def discard(self, job_id: str, states: Iterable[str]) -> None:
        """Delete a job if its state is one of ``states``. Otherwise do nothing.

        :raises JobStoreError: the change cannot be stored.
        """
        states = tuple(states)
        with self.database.transaction() as connection:
            connection.execute(
                f"DELETE FROM jobs WHERE id = ? AND state IN ({', '.join('?' * len(states))})",
                (job_id, *states),
            )

    # ---- finding jobs ------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> JobRecord:
        """Return the record of a job.

        :raises JobNotFoundError: there is no job with this id.
        :raises JobStoreError: the store cannot be read.
        """
        rows = self.database.query("SELECT * FROM jobs WHERE id = ?", job_id)
        if not rows:
            raise _not_found(job_id)
        return JobRecord.of_row(rows[0])

    def list_jobs(self) -> list[JobRecord]:
        """Return all jobs, the newest first.

        :raises JobStoreError: the store cannot be read.
        """
        rows = self.database.query("SELECT * FROM jobs ORDER BY created_at DESC, rowid DESC")
        return [JobRecord.of_row(row) for row in rows]

    def of_batch(self, batch: str) -> list[JobRecord]:
        """Return the jobs of a batch, the oldest first.

        :raises JobStoreError: the store cannot be read.
        """
        rows = self.database.query("SELECT * FROM jobs WHERE batch = ? ORDER BY created_at, rowid", batch)
        return [JobRecord.of_row(row) for row in rows]

    def has_owner(self, record: JobRecord) -> bool:
        """Return whether the owner of a job still exists, in this or another process."""
        return is_alive(self.path, record.owner)

    def owns(self, record: JobRecord) -> bool:
        """Return whether this store object owns the job."""
        return record.owner is not None and record.owner == self._owner.name

    def close(self) -> None:
        """Close the file and release the ownership of all jobs. The next call opens the file again."""
        _close(self.database, self._owner)

    def _own_name(self) -> str:
        with suppress(OSError):  # If this fails, the query below creates the folder or raises an error.
            return self._owner.acquire()
        self.database.query("SELECT 1")
        try:
            return self._owner.acquire()
        except OSError as exc:
            raise JobStoreError(f"The job store {self.path} cannot be used: {exc.strerror}.") from exc


def _close(database: Database, owner: Owner) -> None:
    database.close()
    owner.release()


def _not_found(job_id: str) -> JobNotFoundError:
    return JobNotFoundError(
        f"There is no job {job_id!r} in the job store. `chatgpt-browser jobs list` lists the jobs."
    )
