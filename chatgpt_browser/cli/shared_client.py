"""Finds the open browser of another process, and decides whether a command can use it."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from chatgpt_browser._core.log import logger

from .environment import base_url_options, browser_options
from .settings.keys import KEYS
from .settings.settings import Settings
from .state.data_folder import DataFolder

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser._shared_client.client import SharedClient

#: The options that each call passes to the service, so that they may differ from the options of the service's client.
_PER_CALL = ("markdown", "model", "send_via")
#: Variables that choose a proxy. Chromium reads them when it starts.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def client_key(options: dict[str, Any]) -> str:
    """Return a digest of everything that two clients must have in common to share a browser.

    This is the session (a token, the saved login or the session of a running browser), the site, the options of the browser, the
    pace, the proxy in the environment, and the version of the package.
    """
    from chatgpt_browser import __version__

    settings = Settings.current()
    pace = {key.client_option: settings.get(key.name).value for key in KEYS if key.client_option}
    chosen = pace | _browser_options(options)
    token = _session_token(options)
    proxies = {
        name.lower(): value
        for name, value in sorted(os.environ.items())
        if name.lower() in _PROXIES and value
    }
    identity = {
        "version": __version__,
        "session": str(DataFolder.current().folder) if token is None else str(token),
        "site": base_url_options(),
        "browser": {name: value for name, value in chosen.items() if name not in _PER_CALL},
        "proxies": proxies,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()


def login_folder(options: dict[str, Any]) -> str | None:
    """Return the folder of the saved login that a client with these options uses, or None if it uses another session."""
    if _browser_options(options).get("browser_context") == "default" or _session_token(options) is not None:
        return None
    return os.path.realpath(DataFolder.current().folder)


def _browser_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the client, and the options that the environment sets."""
    return browser_options() | {name: value for name, value in options.items() if value is not None}


def _session_token(options: dict[str, Any]) -> str | Path | None:
    """Return the session token that a client with these options takes from the environment, or None."""
    if _browser_options(options).get("browser_context") == "default":
        return None
    return Settings.current().session_token


def find_shared_client(options: dict[str, Any]) -> SharedClient | None:
    """Return a client that uses the browser of another process, or None if this command can use no such browser.

    The other process is the background browser or `serve`.

    :param options: the options of the client that the command needs.
    """
    from chatgpt_browser._shared_client.address import IS_SUPPORTED, socket_path

    # `Path.exists` may raise PermissionError, but `os.path.exists` does not.
    if not IS_SUPPORTED or not os.path.exists(socket_path()):
        return None
    from chatgpt_browser._shared_client.client import SharedClient
    from chatgpt_browser._shared_client.connection import RefusedError

    per_call = {name: options[name] for name in _PER_CALL if name in options}
    try:
        return SharedClient(client_key(options), **per_call)
    except RefusedError as error:
        logger.info("the browser of another process is not used: %s", error)
    except (OSError, ValueError) as error:
        logger.info("the browser of another process does not respond: %s", error)
    return None
