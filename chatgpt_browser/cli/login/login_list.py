"""Lists the saved logins. The list contains no token."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from ..output.consoles import out, print_note
from ..output.conversation_formats import local_time
from ..output.tables import write_table
from ..settings.settings import Settings
from ..state.data_folder import DataFolder


def write_logins() -> None:
    """Write a row for each saved login: a mark if it is in use, its name, the site, and the time when it was saved.

    In a pipe, the columns are separated by tabs: mark, name, site, time (ISO 8601).
    """
    current = Settings.current().profile
    rows = [
        ("*" if name == current else "", name, *_session(DataFolder.named(name).session))
        for name in DataFolder.names()
    ]
    if not rows:
        print_note("no login is saved yet: `chatgpt-browser login` saves one")
        return
    write_table(("", "Login", "Site", "Session saved"), rows, fixed_columns=2)


def _session(path: Path) -> tuple[str, str]:
    """Return the site of a saved session and the time when it was saved, or two empty texts if there is none."""
    try:
        origin = json.loads(path.read_text("utf-8")).get("origin")
        saved = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    except (OSError, ValueError, AttributeError):
        return "", ""
    return str(origin), local_time(saved) if out.is_terminal else saved.isoformat(timespec="seconds")
