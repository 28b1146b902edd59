"""Tells those who watch a server that something about it has changed; nothing is done while nobody does."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Changes:
    """Any thread may note a change; those who wait for one do so on the server's loop."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []

    @property
    def are_watched(self) -> bool:
        """Whether anybody is to be told."""
        return bool(self._watchers)

    def note(self) -> None:
        """Something has changed."""
        for watcher in [*self._watchers]:
            watcher.wake()

    @contextmanager
    def watched(self) -> Iterator[Watcher]:
        """Be told of changes, from the running loop."""
        watcher = Watcher()
        self._watchers.append(watcher)
        try:
            yield watcher
        finally:
            self._watchers.remove(watcher)


class Watcher:
    """One who waits for changes: many between two waits are one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Let it look."""
        with contextlib.suppress(RuntimeError):  # its loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._changed.set)

    async def next_change(self) -> None:
        """Wait until something has changed since the last time."""
        await self._changed.wait()
        self._changed.clear()
