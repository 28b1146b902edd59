"""What has become of a batch's messages: a file of JSON lines that a kill at any moment leaves usable.

A row is on the disk before the next message is sent. What a kill leaves of a row is recognised by its missing line end.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from chatgpt_browser import APIStatusError, BatchResult, ChatGPTError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

try:
    import fcntl
except ImportError:  # Windows: two batches at once on one file are the user's to avoid
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Outcome:
    """As much of a row as is needed to go on from it."""

    prompt: str
    is_reply: bool
    conversation_id: str | None
    message_id: str | None


class Results:
    """The file of results, open for this process alone.

    :raises typer.BadParameter: where it can't be opened, another process writes to it, or it holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.was_cut = False
        self.outcomes: dict[str, Outcome] = {}
        try:
            self._file = _open_locked(path)
            _sync_folder(path.parent)
            self._load()
        except OSError as error:
            raise typer.BadParameter(f"{path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    @property
    def failed(self) -> int:
        """How many rows are failures."""
        return sum(not outcome.is_reply for outcome in self.outcomes.values())

    def write(self, result: BatchResult) -> None:
        """Write a row, and wait until it is on the disk."""
        row = as_row(result)
        _write_all(self._file, _encoded(row))
        os.fsync(self._file)
        self.outcomes[row["id"]] = _outcome(row)

    def drop_failures(self) -> None:
        """Take the failures out: a reader finds the old file or the new one, whole."""
        kept = [line for line in self._lines() if "reply" in json.loads(line)]
        fresh = self._path.with_name(f"{self._path.name}.tmp")
        try:
            file = _open_locked(fresh)
            os.ftruncate(file, 0)
            _write_all(file, b"".join(kept))
            os.fsync(file)
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)
        os.close(self._file)
        self._file = file
        self.outcomes = {name: outcome for name, outcome in self.outcomes.items() if outcome.is_reply}

    # ---- reading -----------------------------------------------------------------------------------------------------

    def _lines(self) -> list[bytes]:
        with open(self._file, "rb", closefd=False) as file:
            file.seek(0)
            return file.readlines()

    def _load(self) -> None:
        lines = self._lines()
        if lines and not lines[-1].endswith(b"\n"):
            lines[-1:] = self._mend(lines[-1])
        for number, line in enumerate(lines, 1):
            row = _parsed(line)
            if row is None:
                raise typer.BadParameter(f"{self._path}: line {number} is no result of a batch")
            self.outcomes[row["id"]] = _outcome(row)

    def _mend(self, tail: bytes) -> list[bytes]:
        """End a last line that lacks only its end; cut one that was half written."""
        if _parsed(tail) is not None:
            _write_all(self._file, b"\n")
            return [tail]
        os.ftruncate(self._file, os.fstat(self._file).st_size - len(tail))
        self.was_cut = True
        return []


def as_row(result: BatchResult) -> dict[str, Any]:
    """A result as it is written: with ``reply``, or with ``error``."""
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
    fields: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, APIStatusError):
        fields["status_code"] = error.status_code
    if partial := getattr(error, "partial_text", ""):
        fields["partial_text"] = partial
    return fields


def _outcome(row: dict[str, Any]) -> Outcome:
    return Outcome(row["prompt"], "reply" in row, row.get("conversation_id"), row.get("message_id"))


def _encoded(row: dict[str, Any]) -> bytes:
    # A reply may hold half a surrogate pair, which is no UTF-8: then everything outside ASCII is escaped.
    try:
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        row = json.loads(line)
        if isinstance(row, dict) and isinstance(row.get("id"), str) and isinstance(row.get("prompt"), str):
            return row if "reply" in row or "error" in row else None
    return None


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    """A new file outlives a loss of power when its folder is on the disk too."""
    if os.name == "posix":
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _open_locked(path: Path) -> int:
    """Open a file for this process alone; the system lets go of it however the process ends."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise typer.BadParameter(f"{path}: another batch is writing to it") from None
    return file
