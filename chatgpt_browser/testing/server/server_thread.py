"""One stretch of serving: a thread, its event loop, and the way to end both."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, cast

from hypercorn.asyncio import serve

from .middleware import Front

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

    from .listener import Listener, ServerConfig
    from .site import Site


class _Quiet(logging.Filter):
    """Drops what asyncio warns of, on this thread, when a client leaves while the server is writing."""

    _WRITES_TO_NOBODY = ("socket.send() raised exception.", "SSL connection is closed")

    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may pass."""
        return record.thread != self._thread or record.getMessage() not in self._WRITES_TO_NOBODY


class Serving:
    """Serves from when it is made until `stop()`."""

    def __init__(self, site: Site, listener: Listener, config: ServerConfig) -> None:
        self._site = site
        self._listener = listener
        self._config = config
        self._front = Front(site, listener.drop)
        # Not the platform's default: on Windows that one accepts connections past `Listener.accept`.
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(self._note)
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="FakeChatGPT", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it and wait for the thread."""
        self._loop.call_soon_threadsafe(self._begin_to_stop)
        self._thread.join()

    def _begin_to_stop(self) -> None:
        self._front.closing = True
        self._listener.drop_all()
        self._stopping.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        quiet = _Quiet(threading.get_ident())
        logging.getLogger("asyncio").addFilter(quiet)
        try:
            app = cast("ASGIFramework", self._front)
            self._loop.run_until_complete(
                serve(app, self._config, shutdown_trigger=self._stopping.wait, mode="asgi")
            )
        finally:
            self._loop.run_until_complete(_cancel_the_rest())
            asyncio.set_event_loop(None)
            self._loop.close()
            logging.getLogger("asyncio").removeFilter(quiet)

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        # Clients leave in many ways (`OSError` covers connections and TLS): that is their business.
        # Python before 3.12 reports connections here that closing had to cancel.
        if not isinstance(error, (OSError, asyncio.CancelledError)):
            self._site.note_error(error or RuntimeError(context["message"]))


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()

    await asyncio.gather(*rest, return_exceptions=True)
