"""`chatgpt-browser login`: a person signs in, in a visible window; the profile and the session are kept."""

from __future__ import annotations

from typing import Annotated

import typer

from ..client import base_urls
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import err, logging_to_stderr
from ..parameters import Verbose
from ..state.data_folder import Store

Channel = Annotated[
    str | None,
    typer.Option(
        help="Playwright's name of an installed browser, such as chrome.", metavar="NAME", show_default=False
    ),
]


def login(channel: Channel = None, verbose: Verbose = 0) -> None:
    """Sign in by yourself, in a browser's window; the session is kept for the other commands.

    Nothing is filled in or pressed for you. Where the site wants to see a person, this is where it sees one.

    [dim]Examples:[/dim]

    chatgpt-browser login

    chatgpt-browser login --channel chrome
    """
    import asyncio

    from chatgpt_browser._browser.login import sign_in
    from chatgpt_browser._client.base_client import default_options

    with errors_as_exit_codes(), logging_to_stderr(verbose):
        store = Store.default()
        store.make_folder()
        options = default_options(**base_urls(), headless=False, channel=channel, user_data_dir=store.profile)
        err.print(
            f"A window opens on {options.site.origin}: sign in there. It closes by itself.", soft_wrap=True
        )
        token = asyncio.run(sign_in(options))
        store.save(options.site.origin, token.value)
        err.print(f"Signed in. The session is kept in {store.folder}, for you alone.", soft_wrap=True)
