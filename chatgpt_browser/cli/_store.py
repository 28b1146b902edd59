"""What `login` saves, under the platform's data folder: the browser's profile and the session token.

Both let whoever reads them in as you: folders are 0700 and files 0600 from their first byte on.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from chatgpt_browser._files import write_private

#: Points the folder elsewhere.
FOLDER = "CHATGPT_DATA_DIR"


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
    def _file(self) -> Path:
        return self.folder / "session.json"

    def load(self, origin: str) -> str | None:
        """The token that was saved for that origin, or None."""
        try:
            saved = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        token = (
            saved.get("session_token") if isinstance(saved, dict) and saved.get("origin") == origin else None
        )
        return token if isinstance(token, str) else None

    def save(self, origin: str, session_token: str) -> None:
        """Save a token in place of the one before; a reader finds the old one or the new one, whole."""
        self.make_folder()
        text = json.dumps({"origin": origin, "session_token": session_token})
        write_private(self._file, text.encode())

    def make_folder(self) -> None:
        """See that the folder is there, for nobody but its owner."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
