"""`MessageCounter`: the number of messages that are being answered."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class MessageCounter:
    """Counts the messages that are being answered. Any thread may read it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: The number of messages that are being answered now.
        self.active = 0
        #: The largest value of `active` so far.
        self.peak = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count one message until the end of the block."""
        with self._lock:
            self.active += 1
            self.peak = max(self.peak, self.active)

        try:
            yield
        finally:
            with self._lock:
                self.active -= 1
