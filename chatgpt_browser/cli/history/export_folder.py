"""The folder of exported conversations, one file each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..output.conversation_formats import Format, file_name, format_conversation

if TYPE_CHECKING:
    from chatgpt_browser import ConversationSummary, History


@dataclass(frozen=True)
class ExportFolder:
    """A folder of conversations; each file has the time of its conversation's last change."""

    path: Path
    form: Format

    def is_up_to_date(self, summary: ConversationSummary) -> bool:
        """Return whether the conversation's file exists and has the time of the last change."""
        path = self.path / file_name(summary.id, summary.title, summary.create_time, self.form)
        try:
            written = path.stat().st_mtime
        except OSError:
            return False
        # Compared to the second: some file systems store no fractions, and the site does not send the same fraction everywhere.
        changed = summary.update_time
        return changed is not None and abs(written - changed.timestamp()) < 1

    def write(self, history: History) -> None:
        """Write a conversation to its file.

        :raises typer.BadParameter: the file cannot be written.
        """
        name = file_name(history.conversation_id, history.title, history.create_time, self.form)
        path = self.path / name
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            path.write_text(format_conversation(history, self.form), "utf-8")
            if history.update_time is not None:
                os.utime(path, (history.update_time.timestamp(),) * 2)
        except OSError as error:
            raise typer.BadParameter(f"cannot write the export: {error}", param_hint="'--output'") from None
