"""The data folder: it contains the files that stay on disk between runs, such as the session token.

Some of these files give access to the account. So folders are created with mode 0700, and files with mode 0600.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatgpt_browser._core.data_folder import create_data_folder, default_data_folder
from chatgpt_browser._core.files import open_private, write_private


@dataclass(frozen=True)
class DataFolder:
    """The paths of the data folder and its files. The folder is created when the first file is written."""

    folder: Path

    @classmethod
    def default(cls) -> DataFolder:
        """Return the data folder that an environment variable names, or else the platform's folder for application data."""
        return cls(default_data_folder())

    @property
    def profile(self) -> Path:
        """The folder of the browser profile. It contains the cookies, also those of challenges that were passed."""
        return self.folder / "profile"

    @property
    def session(self) -> Path:
        """The file with the session token."""
        return self.folder / "session.json"

    @property
    def last_conversation(self) -> Path:
        """The file with the position of the last conversation."""
        return self.folder / "last_conversation.json"

    @property
    def conversation_list(self) -> Path:
        """The file with the conversation ids of the list that was shown last."""
        return self.folder / "conversation_list.json"

    @property
    def chat_history(self) -> Path:
        """The file with the lines typed in `chat`."""
        return self.folder / "chat_history"

    def create(self) -> None:
        """Create the folder if it does not exist, and make it private to its owner."""
        create_data_folder(self.folder)

    def create_chat_history(self) -> Path:
        """Create the file for the chat history if it does not exist. Return its path. Only its owner can read the file."""
        self.create()
        with open_private(self.chat_history) as file:
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), 0o600)
        return self.chat_history

    def load_session_token(self, origin: str) -> str | None:
        """Return the session token that was saved for an origin, or None."""
        token = self.read_json(self.session, origin).get("session_token")
        return token if isinstance(token, str) else None

    def save_session_token(self, origin: str, session_token: str) -> None:
        """Save a session token for an origin. It replaces the saved one."""
        self.write_json(self.session, origin, {"session_token": session_token})

    def read_json(self, path: Path, origin: str) -> dict[str, Any]:
        """Return the object that was saved for an origin. It is empty if the file is missing, damaged or for another origin."""
        try:
            saved = (
                json.loads(path.read_text("utf-8")) if path.is_file() else None
            )  # A FIFO is not read, because that would block.
        except (OSError, ValueError):
            return {}
        return saved if isinstance(saved, dict) and saved.get("origin") == origin else {}

    def write_json(self, path: Path, origin: str, content: dict[str, Any]) -> None:
        """Save an object for an origin. The file is replaced atomically: another process reads either the old or the new one."""
        self.create()
        write_private(path, json.dumps({"origin": origin, **content}))
