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
    """Wakes its watchers when the state of the server changes. A watcher is a task in the event loop of the server.

    `notify` may be called from any thread.
    """

    def __init__(self) -> None:
        #: A unique ID of this server. If another server uses the port later, the watch page receives a different ID, and removes
        #: the items of this server.
        self.source_id: str = uuid.uuid4().hex
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def are_watched(self) -> bool:
        """True if there is at least one watcher."""
        return bool(self._watchers)

    def notify(self) -> None:
        """Wake all watchers. If there are no watchers, do nothing."""
        for changed, loop in [*self._watchers.items()]:
            with contextlib.suppress(RuntimeError):  # The event loop of the watcher may be closed.
                loop.call_soon_threadsafe(changed.set)

    @contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """Yield an event that each change of the state sets, until the end of the block. The watcher must clear the event."""
        changed = asyncio.Event()
        self._watchers[changed] = asyncio.get_running_loop()
        try:
            yield changed
        finally:
            del self._watchers[changed]
