"""What is kept under the platform's data folder: the browser's profile, the session token, where the last conversation stood.

All of it is for its owner alone, and some lets whoever reads it in as you: folders are 0700 and files 0600 from their first
byte on.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from chatgpt_browser._core.files import write_private

#: Points the folder elsewhere.
FOLDER = "CHATGPT_DATA_DIR"


class Place(NamedTuple):
    """Where a conversation stands: its id, and its newest reply's."""

    conversation_id: str
    parent_message_id: str | None


@dataclass(frozen=True)
class Store:
    """The folder, which need not be there yet."""

    folder: Path

    @classmethod
    def default(cls) -> Store:
        given = os.environ.get(FOLDER)
        return cls(
            Path(given) if given else platformdirs.user_data_path("chatgpt-browser-api", appauthor=False)
        )

    @property
    def profile(self) -> Path:
        """The browser's profile: cookies, and checks that a person has passed."""
        return self.folder / "profile"

    @property
    def session(self) -> Path:
        """The session token, and whose it is."""
        return self.folder / "session.json"

    @property
    def last(self) -> Path:
        """Where the last conversation stood."""
        return self.folder / "last_conversation.json"

    @property
    def chat_history(self) -> Path:
        """What was typed in `chat`."""
        return self.folder / "chat_history"

    def load(self, origin: str) -> str | None:
        """The token that was saved for that origin, or None."""
        token = _read(self.session, origin).get("session_token")
        return token if isinstance(token, str) else None

    def save(self, origin: str, session_token: str) -> None:
        """Save a token in place of the one before; a reader finds the old one or the new one, whole."""
        self._write(self.session, {"origin": origin, "session_token": session_token})

    def last_place(self, origin: str) -> Place | None:
        """Where the last conversation with that origin stood, or None."""
        saved = _read(self.last, origin)
        conversation_id, parent = saved.get("conversation_id"), saved.get("parent_message_id")
        if not isinstance(conversation_id, str):
            return None
        return Place(conversation_id, parent if isinstance(parent, str) else None)

    def remember(self, origin: str, place: Place) -> None:
        """Save where the last conversation stands."""
        self._write(self.last, {"origin": origin, **place._asdict()})

    def make_folder(self) -> None:
        """See that the folder is there, for nobody but its owner."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def make_chat_history(self) -> Path:
        """See that there is a file for what is typed, for nobody but its owner."""
        self.make_folder()
        os.close(os.open(self.chat_history, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        self.chat_history.chmod(0o600)
        return self.chat_history

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        self.make_folder()
        write_private(path, json.dumps(content).encode())


def _read(path: Path, origin: str) -> dict[str, Any]:
    """What was saved for that origin; nothing where there is no such file, or a damaged one."""
    try:
        saved = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return saved if isinstance(saved, dict) and saved.get("origin") == origin else {}
