"""Computes the visible text of a growing reply: without citation marks, and without half of a surrogate pair at the end."""

from __future__ import annotations

from .citation_marks import MARKS, CitationMarkFilter
from .unicode_ranges import HIGH_SURROGATES, SURROGATES, contains_any

#: If a new piece of the text contains one of these characters, the visible text must be computed from the whole raw text.
_SPECIAL = SURROGATES + MARKS


def clean_text(raw: str) -> str:
    """Return the visible text of a complete message: the same text as that of a reply that was read from a stream."""
    text = ReplyText()
    text.replace(raw)
    text.end()
    return text.visible


def common_length(text: str, other: str) -> int:
    """Return the number of equal characters at the beginning of two texts.

    :func:`os.path.commonprefix` takes 50 times as long, because it compares each character separately.
    """
    length, limit = 0, min(len(text), len(other))
    while length < limit:
        middle = (length + limit + 1) // 2
        if text[length:middle] == other[length:middle]:
            length = middle
        else:
            limit = middle - 1
    return length


class ReplyText:
    """Stores the raw text of a reply, and the visible text that is computed from the raw text."""

    def __init__(self) -> None:
        #: The text without citation marks, and without the first half of a surrogate pair at its end.
        self.visible = ""
        #: The text that was passed to the last call of :meth:`replace`, as the site sent it. Pieces that were appended later are
        #: not included.
        self.raw = ""
        self._marks = CitationMarkFilter()
        self._needs_whole = False  # True if the raw text ends inside a mark or a surrogate pair
        self._held: str | None = None  # the visible text that :meth:`hold` keeps; None if no text is kept
        self._is_behind = False  # True while the raw text is only the beginning of the visible text

    def hold(self) -> None:
        """Keep the visible text as long as :meth:`replace` computes only a shorter beginning of it.

        Call this method before reading events that may repeat the reply from its beginning.
        """
        self._held = self.visible

    def append(self, piece: str) -> bool:
        """Append a piece to the visible text and return True. If the visible text must be computed anew, return False.

        If False is returned, nothing has changed. The caller must then pass the whole raw text to :meth:`replace`.
        """
        if (
            self._needs_whole
            or self._held is not None
            or (not piece.isascii() and contains_any(_SPECIAL, piece))
        ):
            return False
        self.visible += piece
        return True

    def replace(self, raw: str) -> bool:
        """Set the whole raw text, and compute the visible text. Return whether the visible text changed."""
        self.raw = raw
        ends_in_half = contains_any(HIGH_SURROGATES, raw[-1:])
        visible = self._marks.visible(raw[:-1] if ends_in_half else raw)
        self._needs_whole = ends_in_half or self._marks.is_open
        held = self._held or ""
        self._is_behind = len(visible) < len(held) and held.startswith(visible)
        if self._is_behind:
            return False
        self._held = None
        changed, self.visible = visible != self.visible, visible
        return changed

    def end(self) -> bool:
        """Handle the end of the reply. A citation mark without an end becomes text. Return whether the visible text changed."""
        before = self.visible
        if self._marks.is_open or self._is_behind:
            self.visible = self._marks.visible(self.raw, at_end=True)
        return self.visible != before
