"""`ServerThread`: the thread that runs the server's event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, cast

from hypercorn.asyncio import serve

from .middleware import RequestMiddleware

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

    from .hypercorn_config import HypercornConfig
    from .listener import Listener
    from .site import Site


class _DisconnectFilter(logging.Filter):
    """Drops asyncio's warnings, in one thread, about clients that disconnect while the server is writing."""

    _MESSAGES = ("socket.send() raised exception.", "SSL connection is closed")

    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged."""
        return record.thread != self._thread or record.getMessage() not in self._MESSAGES


class ServerThread:
    """Serves from its creation until `stop()`."""

    def __init__(self, site: Site, listener: Listener, config: HypercornConfig) -> None:
        self._site = site
        self._listener = listener
        self._config = config
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
        log_filter = _DisconnectFilter(threading.get_ident())
        logging.getLogger("asyncio").addFilter(log_filter)
        try:
            app = cast("ASGIFramework", self._middleware)
            self._loop.run_until_complete(
                serve(app, self._config, shutdown_trigger=self._stopping.wait, mode="asgi")
            )
        finally:
            self._loop.run_until_complete(_cancel_all_tasks())
            asyncio.set_event_loop(None)
            self._loop.close()
            logging.getLogger("asyncio").removeFilter(log_filter)

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
