"""`chatgpt-browser logout`: what `login` saved is taken away."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import typer

from ..client import TOKEN
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import note
from ..state.data_folder import Store

if TYPE_CHECKING:
    from pathlib import Path


def logout() -> None:
    """Take away what `login` saved: the session and the browser's profile.

    The session itself lives on at the site until you sign out there, or it runs out.

    [dim]Examples:[/dim]

    chatgpt-browser logout
    """
    with errors_as_exit_codes():
        store = Store.default()
        removed = [
            remove("the session", store.session),
            remove("the browser's profile", store.profile),
            remove("where the last conversation stood", store.last),
        ]
        if not any(removed):
            note("nothing was saved")
        elif any(removed[:2]):
            note("The session itself lives on at the site: to end it too, sign out there, of all devices.")
        if TOKEN in os.environ:
            note(f"{TOKEN} is still set: unset it to be signed out here.")
        if store.chat_history.exists():
            note(f"What you typed in chat is kept: {store.chat_history}")


def remove(what: str, path: Path) -> bool:
    """Remove a file or a folder, and say so; give whether it was there.

    :raises typer.Exit: it can't be removed; a browser may be using it.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        note(f"error: {what} can't be removed: {error.strerror}: {path}; close what uses it, and try again")
        raise typer.Exit(1) from None

    note(f"removed {what}: {path}")
    return True
