"""The data folder. It contains the files that stay on disk between runs, such as the session token.

Some of these files give access to the account. Therefore folders are created with mode 0700, and files with mode 0600.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from chatgpt_browser._core.files import open_private
from chatgpt_browser._core.saved_login import SavedLogin

from ..settings.settings import Settings


@dataclass(frozen=True)
class DataFolder(SavedLogin):
    """The folder of a login, with the files of the commands. The folder is created when the first file is written."""

    @classmethod
    def current(cls) -> DataFolder:
        """Return the folder of the login that the running command uses.

        :raises typer.BadParameter: the name of the login is invalid.
        """
        return cls.named(Settings.current().profile)

    @property
    def last_conversation(self) -> Path:
        """The file with the id of the last conversation, and the id of the message to reply to."""
        return self.folder / "last_conversation.json"

    @property
    def conversation_list(self) -> Path:
        """The file with the ids and titles of the conversations in the list that was shown most recently."""
        return self.folder / "conversation_list.json"

    @property
    def model_list(self) -> Path:
        """The file with the names of the models in the list that was shown most recently."""
        return self.folder / "model_list.json"

    @property
    def chat_history(self) -> Path:
        """The file with the lines that the user typed in `chat`."""
        return self.folder / "chat_history"

    @property
    def server_key(self) -> Path:
        """The file with the API key that `serve` requires in requests."""
        return self.folder / "server_key"

    def removed_by_logout(self) -> tuple[tuple[str, Path], ...]:
        """Return the files and folders that `logout` removes, each with its description. The session comes first."""
        return (
            ("the session", self.session),
            ("the browser profile", self.profile),
            ("the last conversation's id", self.last_conversation),
            ("the list of conversations", self.conversation_list),
            ("the list of models", self.model_list),
        )

    def create_chat_history(self) -> Path:
        """Return the path of the file for the chat history. If there is no file, create one that only the owner can read."""
        self.create()
        with open_private(self.chat_history) as file:
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), 0o600)
        return self.chat_history
