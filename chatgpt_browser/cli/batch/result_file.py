"""The results of a batch: a file of JSON lines.

Each row is synced to disk before the next message is sent. If the process is killed, only the last row can be incomplete. An
incomplete row has no line feed at its end, and is ignored.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chatgpt_browser import APIStatusError, BatchResult, ChatGPTError, JobUncertainError
from chatgpt_browser._core.files import append_synced, encode_text, open_private, sync_folder, write_private

from ..output.option_names import message_of

if TYPE_CHECKING:
    from typing_extensions import Self

#: The value of ``state`` in the row of a message, if it is unknown whether the site received the message.
UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Outcome:
    """The fields of a row that the next run needs to resume the batch."""

    prompt: str
    is_reply: bool
    conversation_id: str | None
    message_id: str | None
    #: True if it is unknown whether the site received the message.
    is_uncertain: bool = False
    #: The name of the error's class; empty if the row contains no error.
    error_type: str = ""


class ResultFile:
    """The file of results, locked for this process.

    :raises typer.BadParameter: the file cannot be opened, another process writes to it, or a line is not a batch result.
    """

    def __init__(self, path: Path) -> None:
        import filelock

        from .output_lock import OutputLock

        self._path = path
        #: True if the last line of the file was incomplete, and was removed when the file was opened.
        self.was_cut: bool = False
        #: The outcome of each row. The key is the id of the message.
        self.outcomes: dict[str, Outcome] = {}
        try:
            with ExitStack() as stack:
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                self._lock = OutputLock(path)
                stack.callback(self._lock.release)
                self._file = open_private(path)
                stack.callback(self._close_file)
                sync_folder(path.parent)
                self._load()
                self._stack = stack.pop_all()  # The file stays open and locked until __exit__.
        except filelock.Timeout:
            raise typer.BadParameter(f"{path}: another batch writes to this file") from None
        except OSError as error:
            raise typer.BadParameter(f"{path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _close_file(self) -> None:
        # This is a method because `_keep` replaces the file object in `_file`. The bound method `self._file.close` would always
        # close the first file object.
        self._file.close()

    @property
    def failed(self) -> int:
        """The number of rows without a reply: those of failed messages and the uncertain rows."""
        return sum(not outcome.is_reply for outcome in self.outcomes.values())

    def write(self, result: BatchResult) -> None:
        """Write a result as a row, and sync the row to disk."""
        row = as_row(result)
        append_synced(self._file, _encode_row(row))
        self.outcomes[row["id"]] = _to_outcome(row)

    def drop_failures(self) -> None:
        """Remove the rows of failed messages. Keep the uncertain rows."""
        self._keep(lambda row: "reply" in row or _is_uncertain(row))

    def drop_uncertain(self) -> None:
        """Remove the uncertain rows, whose messages may have been sent."""
        self._keep(lambda row: not _is_uncertain(row))

    def _keep(self, keeps: Callable[[dict[str, Any]], bool]) -> None:
        """Remove all rows for which ``keeps`` returns False.

        The file is replaced atomically: another process reads either the whole old file or the whole new file.
        """
        lines = [line for line in self._lines() if keeps(json.loads(line))]
        write_private(self._path, b"".join(lines))
        self._file.close()
        self._file = open_private(self._path)
        self.outcomes = {row["id"]: _to_outcome(row) for row in map(json.loads, lines)}

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
        """Repair a last line without a line feed: if the line is a complete row, append a line feed, else remove the line.

        Return a list with the line, or an empty list if the line was removed.
        """
        if _parse_row(tail) is not None:
            append_synced(self._file, b"\n")
            return [tail]
        self._file.truncate(self._file.tell() - len(tail))
        self.was_cut = True
        return []


def as_row(result: BatchResult) -> dict[str, Any]:
    """Return the row of a result: a dict with ``reply`` or ``error``. An uncertain row also has ``state`` and ``job_id``."""
    message = result.message
    row: dict[str, Any] = {"id": message.id, "prompt": message.text}
    row |= {
        name: value for name in ("conversation", "model") if (value := getattr(message, name)) is not None
    }
    if isinstance(result.error, JobUncertainError):
        row |= {"state": UNCERTAIN, "job_id": result.job_id}
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
    ids = row.get("conversation_id"), row.get("message_id")
    return Outcome(row["prompt"], "reply" in row, *ids, is_uncertain=_is_uncertain(row), error_type=kind)


def _is_uncertain(row: dict[str, Any]) -> bool:
    # Earlier versions of this package, which had no job store, wrote the field `uncertain`.
    return "reply" not in row and (row.get("state") == UNCERTAIN or "uncertain" in row)


def _encode_row(row: dict[str, Any]) -> bytes:
    return encode_text(json.dumps(row, ensure_ascii=False)) + b"\n"


def _parse_row(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        row = json.loads(line)
        if isinstance(row, dict) and isinstance(row.get("id"), str) and isinstance(row.get("prompt"), str):
            return row if "reply" in row or "error" in row else None
    return None
