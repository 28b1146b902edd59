"""A folder that conversations are exported to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ..output.conversation import Format, exported, file_name

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser import ConversationSummary, History


@dataclass(frozen=True)
class Target:
    """A file for each conversation, which has the conversation's time."""

    folder: Path
    form: Format

    def is_up_to_date(self, summary: ConversationSummary) -> bool:
        """Whether the conversation's file is there, and from its last change."""
        path = self.folder / file_name(summary.id, summary.title, summary.create_time, self.form)
        try:
            written = path.stat().st_mtime
        except OSError:
            return False
        # Within a second: not every file system keeps what is finer, nor does the site write it alike everywhere.
        changed = summary.update_time
        return changed is not None and abs(written - changed.timestamp()) < 1

    def write(self, history: History) -> None:
        """Write a conversation.

        :raises typer.BadParameter: it can't be written there.
        """
        name = file_name(history.conversation_id, history.title, history.create_time, self.form)
        path = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(exported(history, self.form), "utf-8")
            if history.update_time is not None:
                os.utime(path, (history.update_time.timestamp(),) * 2)
        except OSError as error:
            raise typer.BadParameter(f"cannot write there: {error}", param_hint="'--output'") from None
