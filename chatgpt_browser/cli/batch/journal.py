"""The journal of a batch: a file with the messages whose sending has begun and that have no result yet.

The name of the file is the name of the output with ``.sending`` at its end. After a run was killed, the next run reads this file
to find out which messages may have been sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Container
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from chatgpt_browser._core.files import append_synced, encode_text, open_private

if TYPE_CHECKING:
    from chatgpt_browser import BatchMessage


@dataclass(frozen=True)
class Attempt:
    """An attempt to send a message, with the data that is needed to find the message on the site.

    ``message_id`` is the id that the client gave the message, or None. ``at`` is the time of the attempt in seconds since 1970.
    """

    id: str
    prompt: str
    message_id: str | None = None
    conversation_id: str | None = None
    parent_message_id: str | None = None
    at: float = 0.0
    conversation: str | None = None
    model: str | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Attempt | None:
        """Return the attempt that a row describes. Return None if the row has no id or no prompt.

        If any other field has a value of the wrong type, that field is ignored.
        """
        values = {each.name: row.get(each.name) for each in fields(cls)}
        if not isinstance(values["id"], str) or not isinstance(values["prompt"], str):
            return None
        at = values.pop("at")
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        return cls(**texts, at=float(at) if isinstance(at, (int, float)) else 0.0)


class DeliveryJournal:
    """Writes each attempt to disk before the message is sent. The client calls :meth:`note` in its own thread."""

    def __init__(self, output: Path) -> None:
        self._path = output.with_name(f"{output.name}.sending")
        self._file: BinaryIO | None = None
        #: The newest attempt for each message in the file. The key is the id of the message.
        self.attempts: dict[str, Attempt] = {}
        if self._path.is_file() and not self._path.is_symlink():
            self._load(self._path.read_bytes())

    def _load(self, data: bytes) -> None:
        for line in data.splitlines():
            with suppress(ValueError):  # If a line was written only in part, its message was not sent.
                row = json.loads(line)
                attempt = Attempt.of(row) if isinstance(row, dict) else None
                if attempt is not None and row.get("state") == "sending":
                    self.attempts[attempt.id] = attempt
                elif attempt is not None:
                    self.attempts.pop(attempt.id, None)

    def clear(self) -> None:
        """Remove the attempts of earlier runs from memory, and remove the file."""
        self.attempts = {}
        self._path.unlink(missing_ok=True)

    def note(self, message: BatchMessage, state: str, message_id: str | None) -> None:
        """Write to the journal that a message is being sent, or that the site has refused it (see `send_many`)."""
        attempt = Attempt(
            message.id or "",
            message.text,
            message_id,
            message.conversation_id,
            message.parent_message_id,
            time.time(),
            message.conversation,
            message.model,
        )
        if self._file is None:
            self._file = open_private(self._path)
        append_synced(self._file, _line(attempt, state))

    def close(self, results: Container[str]) -> None:
        """Close the file, and remove it if each message that was sent has a result.

        :param results: the ids of the messages that have a result.
        """
        if self._file is not None:
            self._file.seek(0)
            self._load(self._file.read())
            self._file.close()
            self._file = None
        if all(id_ in results for id_ in self.attempts):
            self._path.unlink(missing_ok=True)


def _line(attempt: Attempt, state: str) -> bytes:
    return encode_text(json.dumps({"state": state, **asdict(attempt)}, ensure_ascii=False)) + b"\n"
