"""A server with the interface of OpenAI's API, for programs that use only this interface.

    >>> async with AsyncChatGPTAPI(session_token) as api:
    ...     config = uvicorn.Config(create_app(api, api_key=key), host="127.0.0.1", port=8000)
    ...     await uvicorn.Server(config).serve()

This package needs the extra `serve` (Starlette and uvicorn). The command `chatgpt-browser serve` runs the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    # The application is imported on first use, because only the application needs the packages of the extra.
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .app import create_app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "starlette":
            raise
        message = "create_app() needs an extra: pip install 'chatgpt-browser-api[serve]'"
        raise ModuleNotFoundError(message, name=error.name) from error

    create_app.__module__ = __name__
    globals()[name] = create_app
    return create_app
