"""Runs the server until it is stopped: binds the port, prints the two lines for the shell, and closes the browser at the end."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import typer
import uvicorn

from chatgpt_browser._core.errors import BrowserError, ChatGPTError
from chatgpt_browser._core.log import logger
from chatgpt_browser._shared_client.address import IS_SUPPORTED
from chatgpt_browser.server import create_app

from ..client_factory import create_async_client
from ..exit_codes import print_error
from ..lifetime import Lifetime
from ..output.consoles import print_note, write_text
from ..shared_service import shared_service
from ..terminal_settings import restored_terminal_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import AsyncChatGPTAPI

#: An ASGI application.
App = Callable[[Any, Any, Any], Awaitable[None]]

#: The number of seconds for which a connection without a request stays open. The time is long, because a program gets an error if
#: it sends its next request just when the server closes the connection.
_KEEP_ALIVE = 300
#: When the server ends, it first closes the ChatGPT client, which ends all replies. Then it waits at most this number of seconds
#: for open responses.
_END_TIMEOUT = 5


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket that is bound to the port, and close the socket after the block.

    :raises typer.BadParameter: the port is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if os.name == "posix":  # On Windows, this option would let another process take the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise typer.BadParameter(
                f"the server cannot listen on port {port}: {error.strerror}", param_hint="'--port'"
            ) from None
        yield listener


def serve_until_stopped(
    listener: socket.socket,
    key: str,
    client_options: dict[str, Any],
    *,
    ignore_sampling: bool,
    idle_timeout: float | None,
) -> None:
    """Serve until a signal arrives or the server was idle for too long."""
    serving = _serve(
        listener, key, client_options, ignore_sampling=ignore_sampling, idle_timeout=idle_timeout
    )
    with restored_terminal_settings():
        asyncio.run(serving)


async def _serve(
    listener: socket.socket,
    key: str,
    client_options: dict[str, Any],
    *,
    ignore_sampling: bool,
    idle_timeout: float | None,
) -> None:
    lifetime = Lifetime(idle_timeout)
    async with create_async_client(**client_options) as api:
        app = create_app(api, api_key=key, ignore_sampling=ignore_sampling)
        server = Server(_counting_requests(app, lifetime))
        with lifetime.ending_at_signals():
            async with shared_with_commands(api, client_options, lifetime):
                serving = asyncio.create_task(server.serve(sockets=[listener]))
                serving.add_done_callback(lambda _: lifetime.end())
                await server.wait_until_started(serving)
                _print_address(listener, key)
                opening = asyncio.create_task(_open_site(api))
                await lifetime.wait()
                opening.cancel()
                # Closing the client ends all replies with an error, so that their responses end.
                await api.close()
                server.should_exit = True
                await serving


@asynccontextmanager
async def shared_with_commands(
    api: AsyncChatGPTAPI, client_options: dict[str, Any], lifetime: Lifetime
) -> AsyncIterator[None]:
    """In the block, let `ask`, `chat`, `models` and `history` use `api`, as they would use a background browser.

    If a background browser is already running, or if the system has no Unix sockets, the commands do not use `api`.
    `background stop` ends `lifetime`.
    """
    async with AsyncExitStack() as stack:
        try:
            if IS_SUPPORTED:
                service = shared_service(api, client_options, lifetime, program="serve")
                await stack.enter_async_context(service)
        except (BrowserError, OSError) as error:
            logger.info("other commands do not use the client of the server: %s", error)
        yield


class Server(uvicorn.Server):
    """uvicorn's server without signal handlers, because the command handles signals itself."""

    def __init__(self, app: App) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_END_TIMEOUT,
            )
        )
        self._has_started = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not replace the signal handlers."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections."""
        await super().startup(sockets=sockets)
        self._has_started.set()

    async def wait_until_started(self, serving: asyncio.Task[None]) -> None:
        """Wait until the port accepts connections. If the server fails before that, raise its error."""
        waiting = asyncio.create_task(self._has_started.wait())
        await asyncio.wait((waiting, serving), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if serving.done():
            serving.result()


def _counting_requests(app: App, lifetime: Lifetime) -> App:
    """Return an application that counts each request as an activity of the server."""

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            with lifetime.activity():
                await app(scope, receive, send)
        else:
            await app(scope, receive, send)

    return counted


def _print_address(listener: socket.socket, key: str) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
    write_text(f"export OPENAI_BASE_URL={url}\nexport OPENAI_API_KEY={shlex.quote(key)}\n")
    print_note(f"The server is running at {url}. Ctrl-C stops it.")


async def _open_site(api: AsyncChatGPTAPI) -> None:
    """Start the browser and check the session before the first request. If this fails, print the error.

    After a failure, each request tries again, and fails with its own error if the reason still exists.
    """
    try:
        await api.ensure_auth()
    except ChatGPTError as error:
        print_error(error)
