"""The results of a batch: a file of JSON lines that stays usable if the process is killed at any moment.

A row is on disk before the next message is sent. A row that was only partly written has no line feed at its end.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from chatgpt_browser import APIStatusError, BatchResult, ChatGPTError

from ..output.option_names import message_of

if TYPE_CHECKING:
    from typing_extensions import Self

try:
    import fcntl
except ImportError:  # Windows has no flock: two batches that write to one file are not detected there
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Outcome:
    """The fields of a row that a later run needs to resume."""

    prompt: str
    is_reply: bool
    conversation_id: str | None
    message_id: str | None
    #: The class of the error, if the row has one.
    error_type: str = ""


class ResultFile:
    """The file of results, locked for this process.

    :raises typer.BadParameter: it cannot be opened, another process writes to it, or it contains something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        #: True if the last line was incomplete and has been removed.
        self.was_cut = False
        #: The outcomes by the id of their message.
        self.outcomes: dict[str, Outcome] = {}
        try:
            self._file = _open_locked(path)
            with ExitStack() as stack:
                stack.enter_context(self._file)
                _sync_folder(path.parent)
                self._load()
                stack.pop_all()  # the file stays open until __exit__
        except OSError as error:
            raise typer.BadParameter(f"{path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def failed(self) -> int:
        """The number of failed rows."""
        return sum(not outcome.is_reply for outcome in self.outcomes.values())

    def write(self, result: BatchResult) -> None:
        """Write a row and sync it to disk."""
        row = as_row(result)
        _write_to_disk(self._file, _encode_row(row))
        self.outcomes[row["id"]] = _to_outcome(row)

    def drop_failures(self) -> None:
        """Remove the failed rows, atomically: a reader gets either the old file or the new one."""
        kept = [line for line in self._lines() if "reply" in json.loads(line)]
        replacement = self._path.with_name(f"{self._path.name}.tmp")
        try:
            file = _open_locked(replacement)
            file.truncate(0)
            _write_to_disk(file, b"".join(kept))
            replacement.replace(self._path)
        finally:
            replacement.unlink(missing_ok=True)
        self._file.close()
        self._file = file
        self.outcomes = {name: outcome for name, outcome in self.outcomes.items() if outcome.is_reply}

    # ---- reading -----------------------------------------------------------------------------------------------------

    def _lines(self) -> list[bytes]:
        self._file.seek(0)
        return self._file.readlines()

    def _load(self) -> None:
        lines = self._lines()
        if lines and not lines[-1].endswith(b"\n"):
            lines[-1:] = self._repair_last_line(lines[-1])
        for number, line in enumerate(lines, 1):
            row = _parse_row(line)
            if row is None:
                raise typer.BadParameter(f"{self._path}: line {number} is not a batch result")
            self.outcomes[row["id"]] = _to_outcome(row)

    def _repair_last_line(self, tail: bytes) -> list[bytes]:
        """Append the missing line feed to a complete row; remove an incomplete row."""
        if _parse_row(tail) is not None:
            _write_to_disk(self._file, b"\n")
            return [tail]
        self._file.truncate(self._file.tell() - len(tail))
        self.was_cut = True
        return []


def as_row(result: BatchResult) -> dict[str, Any]:
    """Return the row of a result: a dict with ``reply`` or ``error``."""
    message = result.message
    row: dict[str, Any] = {"id": message.id, "prompt": message.text}
    row |= {
        name: value for name in ("conversation", "model") if (value := getattr(message, name)) is not None
    }
    if result.error is not None:
        return row | {"error": _error_fields(result.error), "seconds": result.seconds}
    return row | {
        "reply": result.reply,
        "conversation_id": result.conversation_id,
        "message_id": result.message_id,
        "seconds": result.seconds,
    }


def _error_fields(error: ChatGPTError) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": type(error).__name__, "message": message_of(error)}
    if isinstance(error, APIStatusError):
        fields["status_code"] = error.status_code
    if partial := getattr(error, "partial_text", ""):
        fields["partial_text"] = partial
    return fields


def _to_outcome(row: dict[str, Any]) -> Outcome:
    error = row.get("error")
    kind = str(error.get("type") or "") if isinstance(error, dict) else ""
    return Outcome(row["prompt"], "reply" in row, row.get("conversation_id"), row.get("message_id"), kind)


def _encode_row(row: dict[str, Any]) -> bytes:
    # A lone surrogate in a reply cannot be encoded as UTF-8; then all characters outside ASCII are escaped.
    try:
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row).encode() + b"\n"


def _parse_row(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        row = json.loads(line)
        if isinstance(row, dict) and isinstance(row.get("id"), str) and isinstance(row.get("prompt"), str):
            return row if "reply" in row or "error" in row else None
    return None


def _write_to_disk(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file)


def _sync_folder(folder: Path) -> None:
    """Sync a folder, so that a new file in it survives a power failure."""
    if os.name == "posix":
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _open_locked(path: Path) -> BinaryIO:
    """Open and lock a file; the kernel releases the lock when the process ends."""
    file = path.open("a+b")
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise typer.BadParameter(f"{path}: another batch writes to this file") from None
    return file
