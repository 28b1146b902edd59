"""A relay between Playwright and a browser that belongs to the user. It hides all pages that the client did not open.

Without the relay, Playwright attaches to every page of the browser. It then closes the JavaScript dialogs of these pages, and
pauses each new page until it has attached. It also waits for pages that do not respond, for example for a discarded tab. With the
relay, Playwright attaches only to pages that it has created, and a command for any other page is refused.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from .._core.log import logger
from .page_filter import PageFilter

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

    from .page_filter import Routed

#: Time limit in seconds within which the browser must confirm, when the relay closes, that the client's pages are closed.
_CLOSE_TIMEOUT = 2.0
#: Keyword arguments for the WebSocket connections to the browser and to Playwright. The size of a message has no limit, because
#: the browser sends whole bodies of responses. No pings are sent, because a busy browser may respond late.
_SETTINGS: dict[str, Any] = {"max_size": None, "compression": None, "ping_interval": None, "close_timeout": 1}
#: The logger of these connections. It drops debug messages, because the package websockets logs the content of each message at
#: the level DEBUG, and this content contains tokens.
_SILENT = logger.getChild("websocket")
_SILENT.setLevel("ERROR")


class DevToolsRelay:
    """Relays one DevTools connection. Playwright connects to :attr:`url`, which is on this machine."""

    def __init__(self, browser: ClientConnection) -> None:
        self._browser = browser
        self._client: ServerConnection | None = None
        self._server: Server | None = None
        #: The path of the relay's URL. It is a secret, because every program on this machine can connect to the relay's port.
        self._path = f"/{secrets.token_urlsafe(24)}"
        self._filter = PageFilter()
        self._all_closed = asyncio.Event()
        self._reading = asyncio.get_running_loop().create_task(self._read_browser())

    @classmethod
    async def open(cls, url: str) -> DevToolsRelay:
        """Connect to the DevTools WebSocket of a browser, and return the relay.

        This call has no time limit, because the browser may ask the user for permission first.

        :raises OSError: nothing responds at the URL.
        :raises websockets.exceptions.WebSocketException: the other side is not a DevTools endpoint.
        """
        relay = cls(await connect(url, open_timeout=None, logger=_SILENT, **_SETTINGS))
        try:
            relay._server = await serve(
                relay._read_client,
                "127.0.0.1",
                0,
                process_request=relay._check_path,
                logger=_SILENT,
                **_SETTINGS,
            )
        except BaseException:
            await asyncio.shield(relay.close())
            raise
        return relay

    @property
    def url(self) -> str:
        """The WebSocket URL of the relay. It contains a secret."""
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}{self._path}"

    async def close(self) -> None:
        """Close the client's pages and the relay's connections. The browser and its other pages stay open."""
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(_CLOSE_TIMEOUT), suppress(ConnectionClosed):
                await self._close_own_pages()
            await self._browser.close()
            await asyncio.wait([self._reading])
            if self._server is not None:
                self._server.close()
                await self._server.wait_closed()

    async def _close_own_pages(self) -> None:
        commands = self._filter.close_commands()
        if not commands:
            return
        self._all_closed.clear()
        for command in commands:
            await self._browser.send(command)
        await self._all_closed.wait()

    async def _read_client(self, client: ServerConnection) -> None:
        """Forward Playwright's commands to the browser. If a second client connects, close its connection at once."""
        if self._client is not None:
            return
        self._client = client
        with suppress(ConnectionClosed):
            async for text in client:
                await self._forward(self._filter.from_client(str(text)))

    async def _read_browser(self) -> None:
        """Forward the browser's messages. When the browser ends, close Playwright's connection."""
        with suppress(ConnectionClosed):
            async for text in self._browser:
                await self._forward(self._filter.from_browser(str(text)))
                if not self._filter.closing:
                    self._all_closed.set()
        self._all_closed.set()
        if self._client is not None:
            logger.debug("the DevTools connection to the browser has ended")
            await self._client.close()

    async def _forward(self, routed: Routed) -> None:
        for text in routed.to_browser:
            await self._browser.send(text)
        for text in routed.to_client:
            if self._client is not None:
                # If Playwright has disconnected, continue to read, because `close` needs the browser's later messages.
                with suppress(ConnectionClosed):
                    await self._client.send(text)

    def _check_path(self, connection: ServerConnection, request: Request) -> Response | None:
        if secrets.compare_digest(request.path, self._path):
            return None
        return connection.respond(HTTPStatus.NOT_FOUND, "")
