"""Lets other commands use the client of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatgpt_browser._shared_client.service import ClientService

from .shared_client import client_key, login_folder

if TYPE_CHECKING:
    from typing import Literal

    from chatgpt_browser import AsyncChatGPTAPI

    from .lifetime import Lifetime


def shared_service(
    api: AsyncChatGPTAPI,
    options: dict[str, Any],
    lifetime: Lifetime,
    *,
    program: Literal["background", "serve"],
) -> ClientService:
    """Return a service for the client. While the service handles a call of another command, `lifetime` is not idle.

    :param options: the options from which the client was created.
    """
    login = login_folder(options)

    def status() -> dict[str, Any]:
        return {
            "program": program,
            "login": login,
            "idle_timeout": lifetime.idle_timeout,
            "in_use": lifetime.is_active,
        }

    return ClientService(
        api, client_key(options), activity=lifetime.activity, stop=lifetime.end, status=status
    )
