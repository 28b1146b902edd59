"""A client made from the environment's variables, or from what `login` saved."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from chatgpt_browser import ChatGPTAPI, InvalidSessionTokenError
from chatgpt_browser._client import default_options

from ._store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    A saved token that the site has rotated meanwhile is saved again.

    :raises InvalidSessionTokenError: where there is no token, or an empty one.
    :raises typer.BadParameter: where a base URL makes no sense.
    """
    if TOKEN in os.environ:
        with _made(os.environ[TOKEN], **options) as api:
            yield api
        return

    store, origin = Store.default(), _origin()
    saved = store.load(origin)
    with _made(saved or "", user_data_dir=store.profile, **options) as api:
        try:
            yield api
        finally:
            if api.session_token != saved:
                store.save(origin, api.session_token)


def _made(session_token: str, **options: Any) -> ChatGPTAPI:
    try:
        return ChatGPTAPI(session_token, **base_urls(), **options)
    except InvalidSessionTokenError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _origin() -> str:
    try:
        return default_options(**base_urls()).site.origin
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
