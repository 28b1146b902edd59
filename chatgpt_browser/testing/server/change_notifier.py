"""`ChangeNotifier`: wakes the tasks that wait until the state of the server changes."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ChangeNotifier:
    """A notifier for changes of the server's state. Its watchers are tasks; if there are no watchers, `notify` does nothing.

    `notify` may be called from any thread. The watchers run in the event loop of the server.
    """

    def __init__(self) -> None:
        #: A unique ID of this server. If the watch page receives another ID, another server uses the port now.
        self.source_id = uuid.uuid4().hex
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def are_watched(self) -> bool:
        """True if there is at least one watcher."""
        return bool(self._watchers)

    def notify(self) -> None:
        """Wake all watchers."""
        for changed, loop in [*self._watchers.items()]:
            with contextlib.suppress(RuntimeError):  # raised if the event loop has been closed
                loop.call_soon_threadsafe(changed.set)

    @contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """Return a context manager that yields an event.

        Until the end of the block, each change sets this event. The watcher must clear the event.
        """
        changed = asyncio.Event()
        self._watchers[changed] = asyncio.get_running_loop()
        try:
            yield changed
        finally:
            del self._watchers[changed]
