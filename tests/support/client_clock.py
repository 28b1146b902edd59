"""Advances the clock of a client's event loop, so that a time limit ends when the test chooses, however slow the machine is."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chatgpt_browser import ChatGPTAPI

__all__ = ["LIMIT", "advance_clock", "advance_clock_after", "advance_loop_clock"]

#: A limit in milliseconds for a call that must not time out before the test advances the clock. It is shorter than the default
#: limits of the client, so these do not end.
LIMIT = 50_000


def advance_loop_clock(milliseconds: float = LIMIT) -> None:
    """Advance the clock of the running event loop. The clock is never set back."""
    loop = asyncio.get_running_loop()
    read = loop.time
    loop.time = lambda: read() + milliseconds / 1000  # type: ignore[method-assign]


def advance_clock(api: ChatGPTAPI, milliseconds: float = LIMIT) -> None:
    """Advance the clock of a client's event loop."""

    async def advance() -> None:
        advance_loop_clock(milliseconds)

    api._portal.call(advance)


@contextmanager
def advance_clock_after(
    api: ChatGPTAPI, wait: Callable[[], object], milliseconds: float = LIMIT
) -> Iterator[None]:
    """Advance the clock of a client's event loop when ``wait`` returns. During the block, ``wait`` runs in a thread."""

    def run() -> None:
        wait()
        advance_clock(api, milliseconds)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
