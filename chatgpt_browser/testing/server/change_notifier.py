"""`ChangeNotifier`: wakes the tasks that wait for a change of the server's state."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ChangeNotifier:
    """Notifies watchers of changes; costs nothing while there are none.

    `notify` may be called from any thread. Watchers wait in the server's event loop.
    """

    def __init__(self) -> None:
        #: A unique ID. If it changes, another server has taken the port.
        self.source_id = uuid.uuid4().hex
        self._watchers: list[Watcher] = []

    @property
    def are_watched(self) -> bool:
        """True if there are watchers."""
        return bool(self._watchers)

    def notify(self) -> None:
        """Wake all watchers."""
        for watcher in [*self._watchers]:
            watcher.wake()

    @contextmanager
    def watched(self) -> Iterator[Watcher]:
        """Return a watcher for the running event loop, until the end of the block."""
        watcher = Watcher()
        self._watchers.append(watcher)
        try:
            yield watcher
        finally:
            self._watchers.remove(watcher)


class Watcher:
    """Waits for changes; several changes between two waits count as one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Notify the waiting task. May be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the event loop has been closed
            self._loop.call_soon_threadsafe(self._changed.set)

    async def next_change(self) -> None:
        """Wait until something has changed since the previous call."""
        await self._changed.wait()
        self._changed.clear()
