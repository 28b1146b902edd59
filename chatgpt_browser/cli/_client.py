"""A client made from the environment's variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import typer

from chatgpt_browser import ChatGPTAPI, InvalidSessionTokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "CHATGPT_SESSION_TOKEN"
BASE_URLS = {
    "api_base_url": "CHATGPT_API_BASE_URL",
    "backend_api_base_url": "CHATGPT_BACKEND_API_BASE_URL",
}


def client_from_environment(environ: Mapping[str, str] = os.environ, **options: Any) -> ChatGPTAPI:
    """Make a client, not yet started, with the token and the base URLs of the environment.

    :raises InvalidSessionTokenError: where there is no token, or an empty one.
    :raises typer.BadParameter: where a base URL makes no sense.
    """
    urls: dict[str, Any] = {option: environ[name] for option, name in BASE_URLS.items() if environ.get(name)}
    try:
        return ChatGPTAPI(environ.get(TOKEN, ""), **urls, **options)
    except InvalidSessionTokenError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
