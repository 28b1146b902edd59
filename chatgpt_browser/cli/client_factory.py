"""Creates the clients of the commands, from the environment variables and from the session that `login` saved.

The library is imported only when a client is created, so that `--help` and shell completion start faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chatgpt_browser._core.errors import BrowserLaunchError, InvalidSessionTokenError
from chatgpt_browser._core.saved_login import DEFAULT_PROFILE

from .environment import (
    TOKEN,
    base_url_options,
    browser_options,
    has_display,
    options_from_environment,
    site_origin,
)
from .exit_codes import errors_as_exit_codes
from .output.consoles import logging_to_stderr
from .settings.settings import Settings
from .shared_client import find_shared_client
from .state.data_folder import DataFolder
from .terminal_settings import restored_terminal_settings

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from chatgpt_browser._client.base_client import BaseClient

    ClientT = TypeVar("ClientT", bound=BaseClient)


@contextmanager
def client_from_environment(*, use_background: bool = False, **options: Any) -> Iterator[ChatGPTAPI]:
    """Yield a client whose browser is not started yet, and close the client after the block.

    If `use_background` is True, first look for a background browser or `serve` that has the session and the options of this
    command. If one is running, yield a client that uses its browser.

    The session comes from the first of these sources that applies:

    1. The session token and the browser profile of the saved login, if the option `--profile` is given.
    2. The session of a running browser, if an environment variable chooses this session. The client then has no session token.
    3. The session token in the environment variable, if the variable is set.
    4. The session token and the browser profile that `login` saved. If the site replaces this token, the new token is saved.

    The items of `options` that are None are not passed to the client.

    :raises InvalidSessionTokenError: there is no session token, or the token is empty.
    :raises typer.BadParameter: a base URL is invalid, or `--profile` contradicts the environment.
    """
    if use_background and (shared := find_shared_client(options)) is not None:
        with shared:
            # The shared client has the methods of `ChatGPTAPI` that the commands use; a test compares their signatures.
            yield cast("ChatGPTAPI", shared)
        return
    from chatgpt_browser import ChatGPTAPI

    client = _new_client(ChatGPTAPI, **options)
    with restored_terminal_settings(), client as api:
        yield api


def create_async_client(**options: Any) -> AsyncChatGPTAPI:
    """Return an asynchronous client. The session comes from the same sources as in `client_from_environment`.

    :raises InvalidSessionTokenError: there is no session token, or the token is empty.
    :raises typer.BadParameter: a base URL is invalid, or `--profile` contradicts the environment.
    """
    from chatgpt_browser import AsyncChatGPTAPI

    return _new_client(AsyncChatGPTAPI, **options)


def _new_client(kind: type[ClientT], **options: Any) -> ClientT:
    """Return a client of the class `kind`, with the session that :func:`client_from_environment` describes."""
    settings = Settings.current()
    options = settings.client_options | browser_options() | _without_none(options)
    given = settings.session_token
    if options.get("browser_context") == "default":
        given = None
    if given is not None and not str(given).strip():
        raise InvalidSessionTokenError(f"There is no session token: {TOKEN} is empty.")
    if given is not None or options.get("browser_context") == "default":
        return _create_client(kind, given, **options)
    return _create_client_from_login(kind, **options)


def _create_client_from_login(kind: type[ClientT], **options: Any) -> ClientT:
    """Return a client with the session that `login` saved. Unless a running browser is used, also use the saved profile."""
    folder = DataFolder.current()
    saved = folder.load_session_token(site_origin())
    if saved is None:
        # Check the options first: an invalid option is reported instead of the missing token.
        options_from_environment(**_without_none(options))
        raise InvalidSessionTokenError(_no_session_message(Settings.current().profile, folder))
    if not options.get("browser_url"):
        options["user_data_dir"] = folder.profile
    client = _create_client(kind, saved, **options)
    client._save_tokens(folder)
    return client


def _no_session_message(profile: str, folder: DataFolder) -> str:
    """Return the error message for a login without a saved session for the site.

    If the login has a session for another site, the message names both sites. Otherwise the message names the saved logins.
    """
    names = DataFolder.names()
    if profile == DEFAULT_PROFILE and not names:
        return "There is no session token."
    command = "login" if profile == DEFAULT_PROFILE else f"login --profile {profile}"
    if (other := folder.session_origin()) is not None:
        return (
            f"The saved login {profile!r} is for {other}, not for {site_origin()}; "
            f"run `chatgpt-browser {command}` to replace it."
        )
    return (
        f"There is no session token in the saved login {profile!r}; run `chatgpt-browser {command}`. "
        f"Saved logins: {', '.join(names) or 'none'}."
    )


@contextmanager
def client_for_command(
    *, headed: bool, verbose: int, as_json: bool = False, use_background: bool = False
) -> Iterator[ChatGPTAPI]:
    """Yield a client whose browser is not started yet. If the block fails, print the error and exit with its exit code."""
    with (
        errors_as_exit_codes(as_json=as_json),
        logging_to_stderr(verbose),
        client_from_environment(use_background=use_background, headless=not headed) as api,
    ):
        yield api


def _create_client(kind: type[ClientT], session_token: str | Path | None, **options: Any) -> ClientT:
    given = _without_none(options)
    options_from_environment(**given)  # This call raises a usage error if an option is invalid.
    if given.get("headless") is False and not has_display():
        raise BrowserLaunchError(
            "There is no display for the browser window: omit --headed, or provide a display (ssh -X, xvfb-run)."
        )
    client = kind(session_token, **base_url_options(), **given)
    core: Any = getattr(client, "_core", client)  # the asynchronous client of a `ChatGPTAPI`
    core._sender.pace.use_store()
    return client


def _without_none(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
