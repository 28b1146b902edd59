"""Limits how many pages of the site one client has open at once, whichever transport opens them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

#: The maximum number of pages. Another project has seen that the site limits an account with six open pages, but not with five.
MAX_PAGES = 5
#: While an object waits to open a page, the open pages are counted again at this interval in seconds. This is needed because the
#: budget is not notified if a page has crashed, or if the reply on a page was stopped.
_INTERVAL = 0.5


class PageBudget:
    """Counts the open pages of a client. Each object that opens pages (a holder) is registered.

    A holder opens a page only while fewer than :data:`MAX_PAGES` pages are open.
    """

    def __init__(self) -> None:
        self._counts: list[Callable[[], int]] = []
        self._closers: list[Callable[[], bool]] = []
        self._opening = 0
        self._changed = asyncio.Event()

    def register(self, count: Callable[[], int], close_idle: Callable[[], bool] | None = None) -> None:
        """Add a holder, for example a transport.

        :param count: a function that returns the number of open pages of the holder. Pages that are being opened do not count.
        :param close_idle: a function that begins to close an idle page of the holder, or returns False if no page is idle.
        """
        self._counts.append(count)
        if close_idle is not None:
            self._closers.append(close_idle)

    @property
    def is_full(self) -> bool:
        """True if no other page may be opened now."""
        return self._opening + sum(count() for count in self._counts) >= MAX_PAGES

    def notify(self) -> None:
        """Wake the holders that wait. Called after a page was closed or has become idle."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for_change(self) -> None:
        """Wait until a page was closed or has become idle, at most 0.5 s."""
        with anyio.move_on_after(_INTERVAL):
            await self._changed.wait()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Count one more page while the block opens it. After the block, the ``count`` of the holder includes the page."""
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            self.notify()

    @asynccontextmanager
    async def waiting_to_open(self) -> AsyncIterator[None]:
        """Wait until another page may be opened. Then run the block, and count one more page during the block.

        If the maximum number of pages is open, and one of them is idle, close the idle page.
        """
        while self.is_full:
            any(close_idle() for close_idle in self._closers)  # `any` stops at the first page that is closed.
            await self.wait_for_change()
        with self.opening():
            yield
