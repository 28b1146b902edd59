"""`chatgpt-browser logout`: remove the session and the browser profile that `login` saved."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import typer

from ..background.control import stop_background
from ..environment import TOKEN
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import print_note
from ..shared_options import Profile
from ..state.data_folder import DataFolder


def logout(profile: Profile = None) -> None:
    """Remove what `login` saved: the session and the browser profile.

    The site keeps the session valid until you sign out there or the session expires.

    [dim]Examples:[/dim]

    chatgpt-browser logout
    """
    with errors_as_exit_codes():
        folder = DataFolder.of_option(profile)
        stop_background()  # Its browser may use the profile, and has the old session.
        removed = [
            remove("the session", folder.session),
            remove("the browser profile", folder.profile),
            remove("the last conversation's id", folder.last_conversation),
            remove("the list of conversation ids", folder.conversation_list),
        ]
        if not any(removed):
            print_note("nothing to remove")
        elif any(removed[:2]):
            print_note("The session is still valid at the site: to end it, sign out of all devices there.")
        if TOKEN in os.environ:
            print_note(f"{TOKEN} is still set: unset it to sign out here.")
        if folder.chat_history.exists():
            print_note(f"The lines that you typed in chat are kept: {folder.chat_history}")


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
