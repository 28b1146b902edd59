"""`ServerThread`: the thread that runs the server's event loop, and the configuration of Hypercorn."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets

from .listener import BACKLOG, Listener
from .middleware import RequestMiddleware

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Sequence

    from hypercorn.typing import ASGIFramework

    from .site import Site


_DAY = 86_400.0
# The longest wait in seconds for the end of broken connections.
_CLOSE_TIMEOUT = 5.0
# The messages with which asyncio warns that a client has disconnected while the server was writing.
_DISCONNECT_WARNINGS = ("socket.send() raised exception.", "SSL connection is closed")


class HypercornConfig(Config):
    """The configuration of Hypercorn.

    It uses the socket and the TLS context of this package. The timeouts and limits are so high that Hypercorn does not end
    streams or connections during a test.
    """

    def __init__(self, listeners: Sequence[Listener], context: ssl.SSLContext | None) -> None:
        self._listeners = listeners
        self._context = context
        self.errorlog: logging.Logger = logging.getLogger("chatgpt_browser.testing.hypercorn")
        self.backlog = BACKLOG
        self.include_server_header = self.include_date_header = False  # `ResponseWriter` sends these headers
        self.graceful_timeout: float = 0.2
        self.shutdown_timeout: float = 1.0
        self.keep_alive_timeout = _DAY
        self.keep_alive_max_requests = 10**9
        self.h11_max_incomplete_size = 2**20
        self.h2_max_concurrent_streams = 500

    @property
    def ssl_enabled(self) -> bool:
        """True if the socket uses TLS."""
        return self._context is not None

    def create_ssl_context(self) -> ssl.SSLContext | None:
        """Return the TLS context of this package, or None without TLS."""
        return self._context

    def create_sockets(self) -> Sockets:
        """Return the sockets that are already bound.

        Hypercorn would bind its sockets later. Until then, another process could take a port.
        """
        listeners: list[socket.socket] = [*self._listeners]
        return Sockets(listeners, [], []) if self.ssl_enabled else Sockets([], listeners, [])


class ServerThread:
    """A thread that runs the server. The thread starts when the object is created, and ends when `stop()` is called."""

    def __init__(self, site: Site, listeners: Sequence[Listener], context: ssl.SSLContext | None) -> None:
        self._site = site
        self._listeners = listeners
        self._config = HypercornConfig(listeners, context)
        self._middleware = RequestMiddleware(site, self._drop)
        # The platform's default event loop is not used: on Windows, it does not call `Listener.accept` for new connections.
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(self._handle_exception)
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="FakeChatGPT", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and wait until the thread has ended."""
        self._loop.call_soon_threadsafe(self._begin_to_stop)
        self._thread.join()

    def _begin_to_stop(self) -> None:
        self._middleware.closing = True
        for listener in self._listeners:
            listener.drop_all()
        self._stopping.set()

    def _drop(self, address: tuple[str, int]) -> None:
        """Break the connection of the client with this (host, port). At most one of the listeners has such a connection."""
        for listener in self._listeners:
            listener.drop(address)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        logging.getLogger("asyncio").addFilter(self._is_logged)
        try:
            app = cast("ASGIFramework", self._middleware)
            serving = serve(app, self._config, shutdown_trigger=self._stopping.wait, mode="asgi")
            self._loop.run_until_complete(serving)
        finally:
            self._loop.run_until_complete(_cancel_all_tasks())
            self._loop.run_until_complete(_wait_until_closed(self._listeners))
            asyncio.set_event_loop(None)
            self._loop.close()
            logging.getLogger("asyncio").removeFilter(self._is_logged)

    def _is_logged(self, record: logging.LogRecord) -> bool:
        """Return whether a log record of asyncio is logged. Warnings of this thread about disconnected clients are not logged."""
        return record.thread != self._thread.ident or record.getMessage() not in _DISCONNECT_WARNINGS

    def _handle_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        # An `OSError` means that a client has disconnected, which is not an error of the server. Before Python 3.12,
        # asyncio also reports a `CancelledError` for each connection whose task was cancelled when the server closed.
        if not isinstance(error, (OSError, asyncio.CancelledError)):
            self._site.note_error(error or RuntimeError(context["message"]))


async def _wait_until_closed(listeners: Sequence[Listener]) -> None:
    """Wait until asyncio has closed all broken connections. After the end of the loop, nothing would close them."""
    end = asyncio.get_running_loop().time() + _CLOSE_TIMEOUT
    # The loop polls, because asyncio does not report that it has closed a socket.
    while any(each.has_connections for each in listeners) and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def _cancel_all_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()

    await asyncio.gather(*tasks, return_exceptions=True)
