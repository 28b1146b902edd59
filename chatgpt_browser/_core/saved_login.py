"""The session token and the browser profile that `chatgpt-browser login` saves.

The other commands, and each client that ``from_login()`` returns, use this token and this profile. The session token and the
profile give access to the account, so their folders are created with mode 0700 and their files with mode 0600.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .data_folder import create_data_folder, default_data_folder
from .files import read_small_file, write_private

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

#: The name of the default login. This login is used if no name is given.
DEFAULT_PROFILE = "default"
#: Matches the name of a login, which is also the name of a folder. Names with a path separator, names that Windows reserves, and
#: names with a dot at the end (which Windows removes) do not match.
_NAME = re.compile(
    r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9_](?:[a-z0-9_.-]{0,62}[a-z0-9_-])?",
    re.ASCII | re.IGNORECASE,
)
#: The maximum size in bytes of a file in a login's folder. Larger files are not read. The largest file is the list of the
#: account's conversations; even with 50,000 conversations, it is smaller than this.
_MAX_SIZE = 16 << 20
#: The folder that contains the folders of all logins except the default login.
_FOLDER = "profiles"


@dataclass(frozen=True)
class SavedLogin:
    """The folder of one login. The folder is created when its first file is written."""

    folder: Path

    @classmethod
    def named(cls, profile: object) -> Self:
        """Return the login with this name. The login ``default`` is in the data folder itself.

        :raises ValueError: the name is not a simple file name.
        """
        if profile == DEFAULT_PROFILE:
            return cls(default_data_folder())
        if not isinstance(profile, str) or _NAME.fullmatch(profile) is None:
            raise ValueError(
                "profile must be a name of at most 64 letters, digits, '_', '-' and '.', which begins with a letter, a digit or "
                "'_', and does not end with '.'"
            )
        return cls(default_data_folder() / _FOLDER / profile)

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the logins that have a saved session or a browser profile.

        The name ``default`` comes first. The other names are in alphabetical order.
        """
        try:
            names = sorted(path.name for path in (default_data_folder() / _FOLDER).iterdir())
        except OSError:  # The folder does not exist, or is not readable.
            names = []
        valid = [name for name in names if name != DEFAULT_PROFILE and _NAME.fullmatch(name)]
        return [name for name in (DEFAULT_PROFILE, *valid) if cls.named(name).exists]

    @property
    def profile(self) -> Path:
        """The folder with the browser profile. The profile contains the cookies, and proofs that challenges were passed."""
        return self.folder / "profile"

    @property
    def session(self) -> Path:
        """The file with the session token."""
        return self.folder / "session.json"

    @property
    def exists(self) -> bool:
        """True if a session or a browser profile is saved."""
        return self.session.is_file() or self.profile.is_dir()

    def create(self) -> None:
        """Create the folder if it does not exist.

        Set the mode of this folder, and of its parent folders up to the data folder, to 0700, so that only the user can access
        them.
        """
        root = default_data_folder()
        if root in self.folder.parents:
            create_data_folder(root)
            create_data_folder(self.folder.parent)
        create_data_folder(self.folder)

    def load_session_token(self, origin: str) -> str | None:
        """Return the session token that was saved for an origin, or None."""
        token = self.read_json(self.session, origin).get("session_token")
        return token if isinstance(token, str) else None

    def session_origin(self) -> str | None:
        """Return the origin that the session token was saved for, or None if there is no saved session."""
        saved = self._read_object(self.session)
        origin = saved.get("origin")
        return origin if isinstance(origin, str) and isinstance(saved.get("session_token"), str) else None

    def save_session_token(self, origin: str, session_token: str) -> None:
        """Save a session token in place of the previous token."""
        self.write_json(self.session, origin, {"session_token": session_token})

    def read_json(self, path: Path, origin: str) -> dict[str, Any]:
        """Return the JSON object that the file contains for an origin.

        If the file is missing or damaged, or belongs to another origin, return an empty dict.
        """
        saved = self._read_object(path)
        return saved if saved.get("origin") == origin else {}

    def write_json(self, path: Path, origin: str, content: dict[str, Any]) -> None:
        """Write a JSON object for an origin to a file, atomically: a reader gets the whole old file or the whole new file."""
        self.create()
        write_private(path, json.dumps({"origin": origin, **content}))

    @staticmethod
    def _read_object(path: Path) -> dict[str, Any]:
        """Return the JSON object that the file contains, or an empty dict if the file is missing or damaged."""
        try:
            saved = json.loads(read_small_file(path, _MAX_SIZE))
        except (OSError, ValueError):
            return {}
        return saved if isinstance(saved, dict) else {}
