"""The pages of the list of conversations (``GET /conversations``): which one is requested next, and when the list has ended.

The site answers in several ways, and the list changes while it is read: an entry may be unreadable, a pinned entry may be
repeated at the top of every page, entries may have been deleted since the previous page, and a page may name the next one with a
cursor.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from .backend import CONVERSATIONS, ConversationSummary, read_conversations

#: The largest number of requests for one list. A site whose every page is full would otherwise never end.
MAX_PAGES = 1000
#: The number of pages in a row without a new conversation after which the list ends: if they contain conversations, or not.
_MAX_REPEATED, _MAX_UNREADABLE = 3, 20


class ConversationPages:
    """Reads pages until the list ends: request :attr:`path`, pass the response to :meth:`read`, until ``path`` is None."""

    def __init__(self, page_size: int) -> None:
        #: The path of the next page, relative to the backend's base URL; None after the last.
        self.path: str | None = None
        #: True if the list was ended because of the limit of pages.
        self.is_cut = False
        self._page_size = page_size
        self._offset = 0
        self._seen: set[str] = set()
        self._by_cursor = False  # the newest page was requested with a cursor
        self._ignores_cursor = False
        self._pages = 0
        self._without_new = 0  # pages in a row
        self._first: list[str | None] = []  # the ids of the first page; None for an unreadable entry
        self._pinned = 0  # entries at the top of the first page that are repeated on every page
        self._total: int | None = None
        self._went_back = False  # the newest page was requested in place of a later one
        self._request_offset(0)

    def read(self, data: Any) -> list[ConversationSummary]:
        """Read the response and choose the next page. Return the conversations that no earlier page contained."""
        self._pages += 1
        items = _items(data)
        if self._goes_back(data, items):
            self._request_offset(self._offset)
            return []
        found: list[ConversationSummary] = []
        for summary in read_conversations(data):
            if summary.id not in self._seen:
                self._seen.add(summary.id)
                found.append(summary)
        self._note_progress(bool(found))
        self._advance(data, items)
        return found

    def _goes_back(self, data: Any, items: list[str | None]) -> bool:
        """Return whether entries were skipped before this page; then the offset is that of the page to read instead."""
        total = data.get("total") if isinstance(data, dict) else None
        total_before, self._total = self._total, total if isinstance(total, int) else None
        if self._pages == 1:
            self._first = items
        if self._pages == 1 or self._by_cursor or self._went_back:
            return False
        pinned = _common_length(items, self._first)
        skipped = 0
        if (
            self._pinned < pinned < len(items)
        ):  # the first page contained fewer other entries than was assumed
            skipped, self._pinned = pinned - self._pinned, pinned
        elif self._total is not None and total_before is not None:
            skipped = max(
                0, total_before - self._total
            )  # so many entries were deleted, perhaps before this page
        self._went_back = skipped > 0 and self._offset > 0
        self._offset = max(0, self._offset - skipped)
        return self._went_back

    def _note_progress(self, has_new: bool) -> None:
        if self._went_back and not has_new:
            self._total = None  # the site's total does not count the entries of the list
        self._went_back = False
        self._without_new = 0 if has_new else self._without_new + 1

    def _advance(self, data: Any, items: list[str | None]) -> None:
        cursor = _cursor(data)
        limit = _MAX_UNREADABLE if None in items else _MAX_REPEATED
        if self._by_cursor and self._without_new and any(items):
            self._ignores_cursor = True  # the site has sent a page again
        if self._without_new >= limit:
            self.path = None
        elif cursor is not None and not self._ignores_cursor:
            self._by_cursor = True
            self._request(urlencode({"cursor": cursor, "limit": self._page_size}, errors="replace"))
        elif not items or (self._by_cursor and not self._ignores_cursor):
            self.path = None
        else:
            self._by_cursor = False
            self._request_offset(self._offset + max(1, len(items) - self._pinned))

    def _request_offset(self, offset: int) -> None:
        self._offset = offset
        self._request(urlencode({"offset": offset, "limit": self._page_size}))

    def _request(self, query: str) -> None:
        self.is_cut = self._pages >= MAX_PAGES
        self.path = None if self.is_cut else f"{CONVERSATIONS}?{query}"


def _items(data: Any) -> list[str | None]:
    """Return the ids of a page's entries; None for an entry that has no id."""
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        return []
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    return [each if isinstance(each, str) else None for each in ids]


def _cursor(data: Any) -> str | None:
    """Return the cursor that names the next page, or None."""
    names = ("cursor", "next_cursor")
    found = [data.get(name) for name in names] if isinstance(data, dict) else []
    return next((str(each) for each in found if isinstance(each, (str, int)) and str(each)), None)


def _common_length(items: list[str | None], other: list[str | None]) -> int:
    """Return the number of entries that are the same at the beginning of both lists, up to the first that is unreadable."""
    count = 0
    for item, expected in zip(items, other, strict=False):
        if item is None or item != expected:
            break
        count += 1
    return count
