"""Runs the application in the event loop of a synchronous client. This loop has its own thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .._client.portal import Portal


class InClientThread:
    """ASGI middleware that runs the application in the thread of a synchronous client. The server runs in another thread."""

    def __init__(self, app: ASGIApp, *, portal: Portal) -> None:
        self._app = app
        self._portal = portal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request. ``receive`` and ``send`` are called in the server's event loop."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()

        async def receive_from_server() -> Message:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_call(receive), loop))

        async def send_to_server(message: Message) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_call(send, message), loop))

        await self._portal.call_async(self._app, scope, receive_from_server, send_to_server)


async def _call(function: Any, *args: Any) -> Any:
    """Call a function, and await its result.

    This coroutine is needed, because the result can be any awaitable, but ``run_coroutine_threadsafe`` accepts only a coroutine.
    """
    return await function(*args)
