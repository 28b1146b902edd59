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
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def are_watched(self) -> bool:
        """True if there are watchers."""
        return bool(self._watchers)

    def notify(self) -> None:
        """Wake all watchers."""
        for changed, loop in [*self._watchers.items()]:
            with contextlib.suppress(RuntimeError):  # the event loop has been closed
                loop.call_soon_threadsafe(changed.set)

    @contextmanager
    def watched(self) -> Iterator[asyncio.Event]:
        """Return an event that is set after each change until the end of the block; the watcher clears it."""
        changed = asyncio.Event()
        self._watchers[changed] = asyncio.get_running_loop()
        try:
            yield changed
        finally:
            del self._watchers[changed]
