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
    import ssl

    from hypercorn.typing import ASGIFramework

    from .site import Site


_DAY = 86_400.0
# Warnings of asyncio about clients that disconnect while the server is writing.
_DISCONNECT_WARNINGS = ("socket.send() raised exception.", "SSL connection is closed")


class HypercornConfig(Config):
    """A configuration with our own socket and TLS context, and without timeouts that end streams or connections."""

    def __init__(self, listener: Listener, context: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._context = context
        self.errorlog = logging.getLogger("chatgpt_browser.testing.hypercorn")
        self.backlog = BACKLOG
        self.include_server_header = self.include_date_header = False  # `ResponseWriter` sends them
        self.graceful_timeout = 0.2
        self.shutdown_timeout = 1.0
        self.keep_alive_timeout = _DAY
        self.keep_alive_max_requests = 10**9
        self.h11_max_incomplete_size = 2**20
        self.h2_max_concurrent_streams = 500

    @property
    def ssl_enabled(self) -> bool:
        """True if the socket uses TLS."""
        return self._context is not None

    def create_ssl_context(self) -> ssl.SSLContext | None:
        """Return the existing TLS context."""
        return self._context

    def create_sockets(self) -> Sockets:
        """Return the bound socket: if it were bound again, another process could take the port in between."""
        return Sockets([self._listener], [], []) if self.ssl_enabled else Sockets([], [self._listener], [])


class ServerThread:
    """Serves from its creation until `stop()`."""

    def __init__(self, site: Site, listener: Listener, context: ssl.SSLContext | None) -> None:
        self._site = site
        self._listener = listener
        self._config = HypercornConfig(listener, context)
        self._middleware = RequestMiddleware(site, listener.drop)
        # Not the platform's default: on Windows that event loop does not accept connections by `Listener.accept`.
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(self._handle_exception)
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="FakeChatGPT", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and join the thread."""
        self._loop.call_soon_threadsafe(self._begin_to_stop)
        self._thread.join()

    def _begin_to_stop(self) -> None:
        self._middleware.closing = True
        self._listener.drop_all()
        self._stopping.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        logging.getLogger("asyncio").addFilter(self._is_logged)
        try:
            app = cast("ASGIFramework", self._middleware)
            serving = serve(app, self._config, shutdown_trigger=self._stopping.wait, mode="asgi")
            self._loop.run_until_complete(serving)
        finally:
            self._loop.run_until_complete(_cancel_all_tasks())
            asyncio.set_event_loop(None)
            self._loop.close()
            logging.getLogger("asyncio").removeFilter(self._is_logged)

    def _is_logged(self, record: logging.LogRecord) -> bool:
        """Return whether asyncio's record is logged: warnings of this thread about disconnected clients are not."""
        return record.thread != self._thread.ident or record.getMessage() not in _DISCONNECT_WARNINGS

    def _handle_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        # `OSError` (connections and TLS): a client disconnected, which is not an error of the server.
        # `CancelledError`: Python before 3.12 reports connections whose tasks were cancelled on closing.
        if not isinstance(error, (OSError, asyncio.CancelledError)):
            self._site.note_error(error or RuntimeError(context["message"]))


async def _cancel_all_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()

    await asyncio.gather(*tasks, return_exceptions=True)
