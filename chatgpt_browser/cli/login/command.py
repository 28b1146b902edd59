"""`chatgpt-browser login`: save a session from a browser window or from a file, or list the saved logins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..background.control import stop_service_of
from ..environment import has_display, options_from_environment, site_origin
from ..exit_codes import errors_as_exit_codes, kind_of, print_error
from ..output.consoles import logging_to_stderr, print_labelled, print_note
from ..shared_options import Verbose
from ..state.data_folder import DataFolder
from .login_list import write_logins
from .session_file import COPIED_COOKIE, read_session_file
from .without_display import ways_without_display

Channel = Annotated[
    str | None,
    typer.Option(
        help="Installed browser to use, by its Playwright name, for example chrome.", metavar="NAME"
    ),
]
FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from-file",
        help="Open no window; read the site's session cookie, and no other cookie, from this file: Playwright's storage_state "
        "(JSON) or a Netscape cookies.txt.",
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="FILE",
    ),
]
ListLogins = Annotated[
    bool,
    typer.Option("--list", help="List the saved logins, without their tokens; `*` marks the one in use."),
]


def login(
    channel: Channel = None, from_file: FromFile = None, list_logins: ListLogins = False, verbose: Verbose = 0
) -> None:
    """Sign in by hand in a browser window; save the session for the other commands.

    The command does not fill in or click anything. If the site shows a check that only a person can pass, pass it in this window.

    With --profile, you can save several logins. Each login has a session, a browser profile, a last conversation and
    a chat history. Jobs and their replies belong to no login.

    Examples:

    chatgpt-browser login

    chatgpt-browser login --channel chrome

    chatgpt-browser login --profile work

    chatgpt-browser login --from-file storage_state.json

    chatgpt-browser login --list
    """
    if list_logins and (from_file or channel):
        raise typer.BadParameter("use --list without --from-file and --channel")
    if from_file and channel:
        raise typer.BadParameter("use either --from-file or --channel, not both")
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        if list_logins:
            write_logins()
            return
        if from_file:
            save_session_of_file(from_file)
        else:
            sign_in_by_hand(channel)


def save_session_of_file(path: Path) -> None:
    """Save the session token that a file of cookies contains.

    :raises typer.BadParameter: the file contains no session cookie of the site.
    """
    origin, folder = site_origin(), DataFolder.current()
    token = read_session_file(path, origin)
    stop_service_of(folder.folder)  # The background process has the old session.
    folder.save_session_token(origin, token.value)
    print_note(f"The session for {origin} is saved in {folder.folder}, for you only.")
    print_labelled("warning", "bold yellow", COPIED_COOKIE)
    print_labelled("hint", "dim", "`chatgpt-browser doctor` checks whether the site accepts the session")


def sign_in_by_hand(channel: str | None) -> None:
    """Open the site in a window, wait until a person has signed in, and save the session.

    :raises typer.Exit: there is no display. The ways to sign in without a display are printed.
    :raises ChatGPTError: the window was closed, or the browser failed.
    """
    import asyncio

    from chatgpt_browser import BrowserLaunchError
    from chatgpt_browser._browser.login import sign_in

    folder = DataFolder.current()
    options = options_from_environment(headless=False, channel=channel, user_data_dir=folder.profile)
    if not has_display():
        error = BrowserLaunchError("There is no display for the browser window.")
        print_error(error, "these ways need no display here:")
        for way in ways_without_display():
            print_note(f"  - {way}")
        raise typer.Exit(kind_of(error).code)
    folder.create()
    origin = options.site.origin
    # A background process uses the browser profile, and has the old session.
    stop_service_of(folder.folder)
    print_note(f"Sign in to {origin} in the window; it closes automatically.")
    token = asyncio.run(sign_in(options))
    folder.save_session_token(origin, token.value)
    print_note(f"Signed in. The session is saved in {folder.folder}, for you only.")
