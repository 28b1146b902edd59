"""The folder of `history export`: one file for each conversation. The file and its name contain the conversation's id."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chatgpt_browser._core.files import whole_characters, write_private

from ..output.conversation_formats import (
    Format,
    file_id,
    file_name,
    format_conversation,
    names_id,
    written_id,
)
from ..output.saved_files import ConversationFiles

if TYPE_CHECKING:
    from datetime import datetime

    from chatgpt_browser import ConversationSummary, History

#: The number of bytes at the beginning of a file that are searched for the conversation's id.
_HEAD_SIZE = 4096


@dataclass(frozen=True)
class Entry:
    """A conversation to export. ``changed`` is the time of its last change, or None if this time is unknown."""

    id: str
    title: str | None = None
    created: datetime | None = None
    changed: datetime | None = None

    @classmethod
    def of(cls, source: ConversationSummary | History) -> Entry:
        """Return the entry for a conversation of the list (a summary), or for a conversation that was fetched (a history)."""
        id_ = source.conversation_id if hasattr(source, "conversation_id") else source.id
        return cls(id_, source.title, source.create_time, source.update_time)


@dataclass(frozen=True)
class ExportFolder:
    """A folder of exported conversations. The modification time of each file is the time of its conversation's last change."""

    path: Path
    form: Format
    #: True if the files in the messages are also saved, in a separate folder for each conversation.
    with_files: bool = False

    def create(self) -> None:
        """Create the folder if it does not exist. Only the owner can read a new folder.

        :raises OSError: the folder cannot be created.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def is_up_to_date(self, entry: Entry) -> bool:
        """Return whether the conversation's file exists and has the time of the conversation's last change."""
        try:
            found = self._path(entry).lstat()
        except OSError:
            return False
        # A difference below one second is ignored: some file systems store no fractions of a second, and two endpoints of the
        # site may return different fractions.
        changed = entry.changed
        is_file = stat.S_ISREG(found.st_mode)
        return is_file and changed is not None and abs(found.st_mtime - changed.timestamp()) < 1

    def write(self, entry: Entry, history: History) -> None:
        """Write a conversation to its file, and remove the files that earlier exports wrote under earlier titles.

        :raises OSError: the file cannot be written.
        """
        changed = None if entry.changed is None else entry.changed.timestamp()
        if self.with_files and self.form is Format.markdown:
            history = ConversationFiles(self.path, f"{file_id(entry.id)}-files").save(history)
        write_private(self._path(entry), format_conversation(history, self.form), modified=changed)
        self.remove_outdated(entry)

    def remove_outdated(self, entry: Entry) -> None:
        """Remove the files that earlier exports wrote under earlier titles of a conversation. Keep files that are no exports."""
        current = self._path(entry)
        for name in self._names.get(names_id(entry.id), ()):
            path = self.path / name
            if name != current.name and self._contains(path, entry.id):
                with suppress(OSError):
                    # If the file system ignores letter case, the old name may lead to the new file, which must not be removed.
                    if not path.samefile(current):
                        path.unlink()

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """The names of the files that existed at the first use of this property, grouped by the result of :func:`names_id`."""
        names: dict[str, list[str]] = {}
        for path in self.path.iterdir():
            key = names_id(path.stem, in_name=True) if path.suffix == self.form.suffix else None
            if key is not None:
                names.setdefault(key, []).append(path.name)
        return names

    def _contains(self, path: Path, conversation_id: str) -> bool:
        """Return whether a file is an export of the conversation: the beginning of the file contains the conversation's id."""
        with suppress(OSError):
            if stat.S_ISREG(path.lstat().st_mode):
                with path.open("rb") as file:
                    head = file.read(_HEAD_SIZE)
                return whole_characters(written_id(conversation_id, self.form)).encode() in head
        return False

    def _path(self, entry: Entry) -> Path:
        return self.path / file_name(entry.id, entry.title, entry.created, self.form)
