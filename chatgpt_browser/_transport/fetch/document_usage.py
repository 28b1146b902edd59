"""Measures the resources that a document uses, and decides when to collect its garbage and when to replace the document."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Number of requests between two measurements of the heap.
_MEASURE_INTERVAL = 16
#: If the heap has at least this size in bytes, the garbage is collected while the page is idle. Most of such a heap is garbage.
#: Without this collection, the JavaScript engine would let the garbage grow to several times this size. A collection takes 5 to
#: 10 ms, and is needed once in about 1,500 messages.
_GC_THRESHOLD = 8 << 20
#: Maximum heap size in bytes, and maximum age in seconds. A document that reaches either limit is replaced.
_MAX_HEAP = 128 << 20
_MAX_AGE = 6 * 3600.0
#: Maximum number of requests, and of response bytes, for a document whose page Playwright manages. For such a page,
#: Chromium keeps a record of each request, and up to 100 MB of response bodies, as long as the document exists. For other pages,
#: Chromium keeps almost nothing: on Chromium 150, 5,000 requests left 1 MB in the renderer, and 2.5 GB of response bodies left 0.
_MAX_WATCHED_REQUESTS = 128
_MAX_WATCHED_BYTES = 64 << 20


class DocumentUsage:
    """Counts the resources that a document has used. ``is_watched`` is True if Playwright manages the document's page."""

    def __init__(self, *, is_watched: bool) -> None:
        self._is_watched = is_watched
        self._created_at = asyncio.get_running_loop().time()
        self._requests = 0
        self._heap = 0
        #: The number of bytes of all response bodies so far.
        self.bytes_read = 0

    def count_request(self) -> bool:
        """Count a request, and return whether the heap must be measured now."""
        self._requests += 1
        return self._requests % _MEASURE_INTERVAL == 0

    def set_heap(self, usage: Mapping[str, Any]) -> None:
        """Store the heap size: the memory of all scripts and their buffers. ``usage`` comes from ``Runtime.getHeapUsage``."""
        self._heap = int(usage["usedSize"] + usage.get("backingStorageSize", 0))

    def start_collection(self) -> bool:
        """Return True if the caller must start to collect the garbage now.

        If so, set the stored heap size to 0, so that no further collection starts before the next measurement.
        """
        due = self._heap >= _GC_THRESHOLD and not self.needs_recycling
        if due:
            self._heap = 0
        return due

    @property
    def needs_recycling(self) -> bool:
        """True if the document must be replaced, because its age, its heap or its network data has reached a limit."""
        is_full = self._requests >= _MAX_WATCHED_REQUESTS or self.bytes_read >= _MAX_WATCHED_BYTES
        if self._is_watched and is_full:
            return True
        age = asyncio.get_running_loop().time() - self._created_at
        return self._heap >= _MAX_HEAP or age >= _MAX_AGE
