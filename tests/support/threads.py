"""Threads that tests have started: wait for their end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable


def still_running(threads: Iterable[threading.Thread], timeout: float = 20) -> list[threading.Thread]:
    """Return the threads that have not ended within the timeout in seconds.

    Before Python 3.12 asyncio waits for a process in a thread. That thread may end a moment after the event loop.
    """
    end = time.monotonic() + timeout
    for thread in (threads := list(threads)):
        thread.join(max(0.0, end - time.monotonic()))
    return [thread for thread in threads if thread.is_alive()]
