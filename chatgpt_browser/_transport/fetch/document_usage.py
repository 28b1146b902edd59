"""The resources that a document uses, and when to collect its garbage or to replace it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Requests between two measurements of the heap.
_MEASURE_INTERVAL = 16
#: Heap in bytes above which the garbage is collected while the page is idle. Most of the heap is garbage, which the engine would
#: let grow to several times this size before it collects. A collection takes 5 to 10 ms, once in about 1,500 messages.
_GC_THRESHOLD = 8 << 20
#: Heap in bytes, and age in seconds, above which the document is replaced.
_MAX_HEAP = 128 << 20
_MAX_AGE = 6 * 3600.0
#: Requests and response bytes until a document is replaced, if Playwright manages its page. For such a page Chromium keeps
#: a record of each request, and up to 100 MB of response bodies, until the document is gone. For other pages it keeps nothing:
#: measured on Chromium 150, 5,000 requests leave 1 MB in the renderer, and 2.5 GB of response bodies leave nothing.
_MAX_WATCHED_REQUESTS = 128
_MAX_WATCHED_BYTES = 64 << 20


class DocumentUsage:
    """Counts what a document has used. ``is_watched`` is true if Playwright manages its page."""

    def __init__(self, *, is_watched: bool) -> None:
        self._is_watched = is_watched
        self._created_at = asyncio.get_running_loop().time()
        self._requests = 0
        self._heap = 0
        #: The bytes of all response bodies so far.
        self.bytes_read = 0

    def count_request(self) -> bool:
        """Count a request; return whether the heap must be measured."""
        self._requests += 1
        return self._requests % _MEASURE_INTERVAL == 0

    def set_heap(self, usage: Mapping[str, Any]) -> None:
        """Store the result of ``Runtime.getHeapUsage``: the memory of all scripts, buffers included."""
        self._heap = int(usage["usedSize"] + usage.get("backingStorageSize", 0))

    def start_collection(self) -> bool:
        """Return whether the garbage must be collected; if so, the heap counts as empty until it is measured again."""
        due = self._heap >= _GC_THRESHOLD and not self.needs_recycling
        if due:
            self._heap = 0
        return due

    @property
    def needs_recycling(self) -> bool:
        """True if the document uses, or makes Chromium keep, more than a new one would."""
        is_full = self._requests >= _MAX_WATCHED_REQUESTS or self.bytes_read >= _MAX_WATCHED_BYTES
        if self._is_watched and is_full:
            return True
        age = asyncio.get_running_loop().time() - self._created_at
        return self._heap >= _MAX_HEAP or age >= _MAX_AGE
