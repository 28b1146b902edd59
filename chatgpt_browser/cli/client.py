"""A client made from the environment's variables, or from what `login` saved.

The library is imported where a client is made: `--help` and completion need none of it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from .input.keyboard import keyboard_kept
from .state.data_folder import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import ChatGPTAPI

TOKEN = "CHATGPT_SESSION_TOKEN"
BASE_URLS = {
    "api_base_url": "CHATGPT_API_BASE_URL",
    "backend_api_base_url": "CHATGPT_BACKEND_API_BASE_URL",
}


def base_urls() -> dict[str, Any]:
    """The base URLs that the environment names, as the client's options."""
    return {option: os.environ[name] for option, name in BASE_URLS.items() if os.environ.get(name)}


@contextmanager
def client_from_environment(**options: Any) -> Iterator[ChatGPTAPI]:
    """A client, not yet started, with the environment's token, else the saved one and its profile; closed at the end.

    A saved token that the site has rotated meanwhile is saved again. Options that are None are the client's own.

    :raises InvalidSessionTokenError: where there is no token, or an empty one.
    :raises typer.BadParameter: where a base URL makes no sense.
    """
    if TOKEN in os.environ:
        with keyboard_kept(), _made(os.environ[TOKEN], **options) as api:
            yield api
        return

    store, at = Store.default(), origin()
    saved = store.load(at)
    with keyboard_kept(), _made(saved or "", user_data_dir=store.profile, **options) as api:
        try:
            yield api
        finally:
            if api.session_token != saved:
                store.save(at, api.session_token)


def origin() -> str:
    """The origin that the environment's base URLs, or else the client's own, are on.

    :raises typer.BadParameter: where a base URL makes no sense.
    """
    from chatgpt_browser._client.base_client import default_options

    try:
        return default_options(**base_urls()).site.origin
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _made(session_token: str, **options: Any) -> ChatGPTAPI:
    from chatgpt_browser import ChatGPTAPI, InvalidSessionTokenError

    given = {name: value for name, value in options.items() if value is not None}
    try:
        return ChatGPTAPI(session_token, **base_urls(), **given)
    except InvalidSessionTokenError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
