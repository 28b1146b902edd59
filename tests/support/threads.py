"""Threads that tests have started, and whether they are gone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable


def still_running(threads: Iterable[threading.Thread], timeout: float = 20) -> list[threading.Thread]:
    """Give those that have not ended within so many seconds.

    Before Python 3.12 asyncio waits for a process in a thread, which tells the loop and ends a moment later, maybe after it.
    """
    end = time.monotonic() + timeout
    for thread in (threads := list(threads)):
        thread.join(max(0.0, end - time.monotonic()))
    return [thread for thread in threads if thread.is_alive()]
