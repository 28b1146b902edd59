"""`chatgpt-browser login`: sign in by hand in a visible browser window, and save the profile and the session."""

from __future__ import annotations

from typing import Annotated

import typer

from ..background.control import stop_background
from ..environment import SIGN_IN_ELSEWHERE, has_display, options_from_environment
from ..exit_codes import errors_as_exit_codes, kind_of, print_error
from ..output.consoles import logging_to_stderr, print_note
from ..shared_options import Profile, Verbose
from ..state.data_folder import DataFolder

Channel = Annotated[
    str | None,
    typer.Option(
        help="Installed browser to use, by its Playwright name, for example chrome.", metavar="NAME"
    ),
]


def login(channel: Channel = None, profile: Profile = None, verbose: Verbose = 0) -> None:
    """Sign in by hand in a browser window; save the session for the other commands.

    The command does not fill in or click anything. If the site shows a check that only a person can pass, pass it in this window.

    [dim]Examples:[/dim]

    chatgpt-browser login

    chatgpt-browser login --channel chrome

    chatgpt-browser login --profile work
    """
    import asyncio

    from chatgpt_browser import BrowserLaunchError
    from chatgpt_browser._browser.login import sign_in

    with errors_as_exit_codes(), logging_to_stderr(verbose):
        folder = DataFolder.of_option(profile)
        stop_background()  # Its browser may use the profile, and has the old session.
        folder.create()
        options = options_from_environment(headless=False, channel=channel, user_data_dir=folder.profile)
        origin = options.site.origin
        print_note(f"Sign in to {origin} in the window; it closes automatically.")
        try:
            token = asyncio.run(sign_in(options))
        except BrowserLaunchError as error:
            if has_display():
                raise
            print_error(error, SIGN_IN_ELSEWHERE)
            raise typer.Exit(kind_of(error).code) from None
        folder.save_session_token(origin, token.value)
        print_note(f"Signed in. The session is saved in {folder.folder}, for you only.")
