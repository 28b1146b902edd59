"""Reads the list of conversations (``GET /conversations``) page by page: chooses the next page, and detects the end of the list.

A page may contain unreadable entries, and a cursor that identifies the next page. Pinned entries may be repeated at the top of
every page. The list may change while it is read: entries may have been deleted since the previous page was read.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from .backend import CONVERSATIONS, ConversationSummary, read_conversations

#: The maximum number of requests for one list. Without this limit, a faulty site that always returns full pages would cause an
#: endless series of requests.
MAX_PAGES = 1000
#: The maximum numbers of consecutive pages without a new conversation. The second number applies if the newest page contains an
#: unreadable entry. Otherwise the first number applies.
_MAX_REPEATED, _MAX_UNREADABLE = 3, 20


class ConversationPages:
    """Reads the pages of the list.

    The caller requests :attr:`path` and passes the response to :meth:`read`. The caller repeats this until ``path`` is None.
    """

    def __init__(self, page_size: int) -> None:
        #: The path of the next page, relative to the backend's base URL. None after the last page.
        self.path: str | None = None
        #: True if reading stopped at the maximum number of requests. Then the list may contain further conversations.
        self.is_cut = False
        self._page_size = page_size
        self._offset = 0
        self._seen: set[str] = set()
        self._by_cursor = False  # True if the newest page was requested with a cursor.
        self._ignores_cursor = False
        #: The entries and the cursor of the newest page.
        self._newest: tuple[list[str | None], str | None] = ([], None)
        self._pages = 0
        self._without_new = 0  # The number of consecutive pages without a new conversation.
        self._first: list[str | None] = []  # The ids on the first page. None represents an unreadable entry.
        self._pinned = 0  # The number of pinned entries. Every page repeats the pinned entries at its top.
        self._total: int | None = None
        self._went_back = False  # True if the newest page was requested because entries had been skipped.
        self._request_offset(0)

    def read(self, data: Any) -> list[ConversationSummary]:
        """Return the page's new conversations, which no earlier page contained. Also set :attr:`path` for the next page."""
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
        """Return whether the page must be requested again with a smaller offset, because entries before the page were skipped.

        If so, set the offset to the offset of the first skipped entry.
        """
        total = data.get("total") if isinstance(data, dict) else None
        total_before, self._total = self._total, total if isinstance(total, int) else None
        if self._pages == 1:
            self._first = items
        if self._pages == 1 or self._by_cursor or self._went_back:
            return False
        pinned = _common_length(items, self._first)
        skipped = 0
        # Offsets do not count pinned entries. If there are more pinned entries than assumed, this page's offset was too large.
        if self._pinned < pinned < max(len(items), len(self._first)):
            skipped, self._pinned = pinned - self._pinned, pinned
        elif self._total is not None and total_before is not None:
            # The difference is the number of deleted entries. Possibly, all of them were before this page. Therefore the offset
            # is reduced by this number.
            skipped = max(0, total_before - self._total)
        self._went_back = skipped > 0 and self._offset > 0
        self._offset = max(0, self._offset - skipped)
        return self._went_back

    def _note_progress(self, has_new: bool) -> None:
        if self._went_back and not has_new:
            # The smaller offset gave no new conversation. So the site's `total` may not be the length of the list. Ignore it for
            # the next page.
            self._total = None
        self._went_back = False
        self._without_new = 0 if has_new else self._without_new + 1

    def _advance(self, data: Any, items: list[str | None]) -> None:
        cursor = _cursor(data)
        limit = _MAX_UNREADABLE if None in items else _MAX_REPEATED
        page_before, self._newest = self._newest, (items, cursor)
        # The site has sent the previous page again if the entries are equal. Unreadable entries (None) always look equal: if
        # there are any, the cursors must be equal too.
        is_repeated = page_before == self._newest or (page_before[0] == items and None not in items)
        if self._by_cursor and is_repeated and items:
            self._ignores_cursor = True
        if self._without_new >= limit:
            self.path = None
        elif cursor is not None and not self._ignores_cursor:
            self._by_cursor = True
            self._request(urlencode({"cursor": cursor, "limit": self._page_size}, errors="replace"))
        elif not items or (self._by_cursor and not self._ignores_cursor):
            self.path = None
        else:
            self._by_cursor = False
            # A page may have more entries than requested, such as pinned ones. The additional entries do not count for the
            # offset.
            self._request_offset(self._offset + max(1, min(len(items) - self._pinned, self._page_size)))

    def _request_offset(self, offset: int) -> None:
        self._offset = offset
        self._request(urlencode({"offset": offset, "limit": self._page_size}))

    def _request(self, query: str) -> None:
        self.is_cut = self._pages >= MAX_PAGES
        self.path = None if self.is_cut else f"{CONVERSATIONS}?{query}"


def _items(data: Any) -> list[str | None]:
    """Return the ids of a page's entries. An entry without an id is represented by None."""
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        return []
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    return [each if isinstance(each, str) else None for each in ids]


def _cursor(data: Any) -> str | None:
    """Return the cursor that identifies the next page, or None if the response contains no cursor."""
    names = ("cursor", "next_cursor")
    found = [data.get(name) for name in names] if isinstance(data, dict) else []
    return next((str(each) for each in found if isinstance(each, (str, int)) and str(each)), None)


def _common_length(items: list[str | None], other: list[str | None]) -> int:
    """Return the number of equal entries at the beginning of both lists. An unreadable entry ends the comparison."""
    count = 0
    for item, expected in zip(items, other, strict=False):
        if item is None or item != expected:
            break
        count += 1
    return count
