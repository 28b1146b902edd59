"""`chatgpt-browser logout`: remove the session and the browser profile that `login` saved."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import typer

from chatgpt_browser._core.saved_login import DEFAULT_PROFILE

from ..background.control import stop_service_of
from ..environment import TOKEN
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import print_note
from ..settings.settings import Settings
from ..state.data_folder import DataFolder


def logout() -> None:
    """Remove what `login` saved: the session and the browser profile.

    The site keeps the session valid until you sign out there or the session expires.

    Examples:

    chatgpt-browser logout

    chatgpt-browser logout --profile work
    """
    with errors_as_exit_codes():
        folder = DataFolder.current()
        stop_service_of(folder.folder)  # The background process uses the browser profile and the session.
        removed = [remove(what, path) for what, path in folder.removed_by_logout()]
        if not any(removed):
            names = ", ".join(DataFolder.names())
            print_note("nothing to remove" + (f"; saved logins: {names}" if names else ""))
        elif any(removed[:2]):
            print_note("The session is still valid at the site: to end it, sign out of all devices there.")
        if TOKEN in os.environ:
            print_note(f"{TOKEN} is still set: unset it to sign out here.")
        if folder.chat_history.exists():
            print_note(f"The lines that you typed in chat are kept: {folder.chat_history}")
        elif Settings.current().profile != DEFAULT_PROFILE:
            with suppress(OSError):  # The folder does not exist, or contains other files.
                folder.folder.rmdir()


def remove(what: str, path: Path) -> bool:
    """Remove a file or a folder, and print a note. Return whether the path existed.

    :raises typer.Exit: the path cannot be removed, for example because a browser uses it.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        reason = f"{error.strerror}: {path}"
        print_note(f"error: cannot remove {what}: {reason}; close programs that use it and try again")
        raise typer.Exit(1) from None

    print_note(f"removed {what}: {path}")
    return True
