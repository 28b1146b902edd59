"""The session token that `login` saved."""

from __future__ import annotations

from .data_folder import DataFolder


def load_session_token(folder: DataFolder, origin: str) -> str | None:
    """Return the session token that was saved for an origin, or None."""
    token = folder.read_json(folder.session, origin).get("session_token")
    return token if isinstance(token, str) else None


def save_session_token(folder: DataFolder, origin: str, session_token: str) -> None:
    """Save a session token in place of the previous one."""
    folder.write_json(folder.session, origin, {"session_token": session_token})
