"""Reads the journal ``FILE.sending`` of earlier versions, which had no job store: the prompts that a killed run may have sent."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..environment import site_origin

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from chatgpt_browser._store.job_store import JobStore


def read_old_journal(output: Path, store: JobStore, batch_id: str, known: Container[str]) -> None:
    """Add a job for each prompt in the old journal of an output, and delete the old journal.

    :param known: the ids of the prompts that have a row in the output. No job is added for them.
    """
    path = output.with_name(f"{output.name}.sending")
    if not path.is_file() or path.is_symlink():
        return
    for row in _attempts(path.read_bytes()).values():
        if row["id"] not in known:
            _add_job(row, store, batch_id)
    path.unlink()


def _attempts(data: bytes) -> dict[str, dict[str, Any]]:
    """Return the newest row of each prompt that was being sent. The keys are the ids of the prompts."""
    attempts: dict[str, dict[str, Any]] = {}
    for line in data.splitlines():
        with suppress(ValueError):  # An incomplete line is skipped: its message was not sent yet.
            row = json.loads(line)
            if not (isinstance(row, dict) and isinstance(row.get("id"), str)):
                continue
            if row.get("state") == "sending" and isinstance(row.get("prompt"), str):
                attempts[row["id"]] = row
            else:
                attempts.pop(row["id"], None)
    return attempts


def _add_job(row: dict[str, Any], store: JobStore, batch_id: str) -> None:
    record = store.create(
        origin=site_origin(), text=row["prompt"], batch=batch_id, batch_key=f"id:{row['id']}"
    )
    columns = {
        "question_id": "message_id",
        "conversation_id": "conversation_id",
        "parent_message_id": "parent_message_id",
    }
    known = {column: row[name] for column, name in columns.items() if isinstance(row.get(name), str)}
    if isinstance(row.get("at"), (int, float)):
        known["sending_at"] = float(row["at"])
    store.change(record.id, state="sending", **known)
    store.disown(record.id)
