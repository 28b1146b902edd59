"""The environment variables that the commands read."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from chatgpt_browser._core.choices import MESSAGES_PER_HOUR
from chatgpt_browser._core.data_folder import DATA_FOLDER
from chatgpt_browser._core.files import path_of_user

if TYPE_CHECKING:
    from chatgpt_browser._core.options import Options

TOKEN = "CHATGPT_SESSION_TOKEN"
SEND_VIA = "CHATGPT_SEND_VIA"
#: Maps a base URL option of the client to the environment variable that sets the option.
BASE_URLS = {"api_base_url": "CHATGPT_API_BASE_URL", "backend_api_base_url": "CHATGPT_BACKEND_API_BASE_URL"}
#: The client's default base URLs. They are repeated here, because shell completion needs them but must not import the client.
_DEFAULT_BASE_URLS = {
    "api_base_url": "https://chat.openai.com/api",
    "backend_api_base_url": "https://chat.openai.com/backend-api",
}
#: Maps a client option that chooses a running browser to the environment variable that sets the option.
BROWSER = {"browser_url": "CHATGPT_BROWSER_URL", "browser_context": "CHATGPT_BROWSER_CONTEXT"}
#: The environment variable that names the saved login.
PROFILE = "CHATGPT_PROFILE"
#: The environment variable that contains the path of the config file.
CONFIG = "CHATGPT_CONFIG"
#: Pairs of a variable's name and its description, for `--help` and the documentation.
VARIABLES = (
    (
        TOKEN,
        "session token, or the path of a file with it (a path begins with /, ~ or ./, or ends with .json or .txt); "
        "default: the token that `login` saved",
    ),
    *((name, f"the client's {option}; default: the real site") for option, name in BASE_URLS.items()),
    (SEND_VIA, "how messages are sent: auto, fetch or page; the option --send-via takes precedence"),
    (
        BROWSER["browser_url"],
        "a browser that is already running: chrome, msedge, or the URL of a remote browser",
    ),
    (
        BROWSER["browser_context"],
        "default: the session of that browser's user; own (the default): the session token",
    ),
    (
        MESSAGES_PER_HOUR,
        "the client's messages_per_hour; `batch` waits when the limit is reached, other commands fail",
    ),
    (PROFILE, "name of the saved login; the option --profile takes precedence"),
    (CONFIG, "path of the config file; the option --config takes precedence"),
    (DATA_FOLDER, "folder for the browser profile, the saved session and the last conversation's id"),
)


#: The remedy that `doctor` prints if there is neither a session token nor a display for `login`.
SIGN_IN_ELSEWHERE = "`chatgpt-browser login` lists the ways to sign in without a display"


def has_display() -> bool:
    """Return whether a browser window can be shown. On systems other than Linux, the result is always True."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def token_from_environment() -> str | Path | None:
    """Return the session token or the path of a file with it, or None if the variable is not set."""
    from chatgpt_browser._protocol.cookies import is_path

    given = os.environ.get(TOKEN)
    if given is None or not is_path(given):
        return given
    return path_of_user(given.strip())


def base_url_options() -> dict[str, Any]:
    """Return the base URLs from the environment variables, as keyword arguments of the client."""
    return {option: os.environ[name] for option, name in BASE_URLS.items() if os.environ.get(name)}


def browser_options() -> dict[str, Any]:
    """Return the options that choose a running browser, as keyword arguments of the client. Unset variables are left out."""
    return {option: os.environ[name] for option, name in BROWSER.items() if os.environ.get(name)}


def options_from_environment(**options: Any) -> Options:
    """Return client options: those in ``options``, the base URLs from the environment, and defaults for all other options.

    :raises typer.BadParameter: an option is invalid.
    """
    from chatgpt_browser._client.base_client import default_options

    try:
        return default_options(**base_url_options(), **options)
    except ValueError as error:
        raise typer.BadParameter(_with_variable_names(str(error))) from None


def site_origin() -> str:
    """Return the origin of the base URLs in the environment variables. If they are not set, return the client's default origin.

    :raises typer.BadParameter: a base URL is invalid.
    """
    from chatgpt_browser._core.urls import Site

    try:
        return Site.checked(**_DEFAULT_BASE_URLS | base_url_options()).origin
    except ValueError as error:
        raise typer.BadParameter(_with_variable_names(str(error))) from None


def _with_variable_names(message: str) -> str:
    """Return the message. If it contains names of base URL options, append the environment variables that set these options."""
    names = [name for option, name in BASE_URLS.items() if re.search(rf"\b{option}\b", message)]
    return f"{message} ({' and '.join(names)})" if names else message
