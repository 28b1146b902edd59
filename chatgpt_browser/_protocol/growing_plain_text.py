"""Converts a growing Markdown text to plain text. The time is linear in the length of the text, for any number of events."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .plain_text import Part, join_parts, parts_of

#: Matches the start of the first line of most blocks: a line after an empty line, an item of a list, or a heading. A block with
#: another first line is converted together with the block before it.
_BLOCK_START = re.compile(r"^[ \t\r]*\n(?=\S)|^(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]", re.MULTILINE)
_LINE_END = re.compile("\r\n|\r|\n")
#: The last block of the text is called open, because it may still grow. If the open block had more than this number of characters
#: when it was last converted, it is converted again only after its length has grown by the factor `_GROWTH`.
_LONG_BLOCK = 500
_GROWTH = 2
#: After a search has found finished blocks, the next search starts only when the text after these blocks has at least this many
#: characters. The reason is that each search has a fixed cost.
_MIN_LENGTH = 80
#: If a search has found no finished block, the next search takes place only when the text after the finished blocks has grown by
#: this factor.
_RETRY_GROWTH = 1.5
#: The budget of each reply, in characters. When this much text was converted, the text is no longer converted after each event.
#: From then on, it is converted only when no further event is waiting to be read.
_BUDGET = 4_000
#: The fixed cost of one conversion. Each conversion subtracts this number and the length of the converted text from the budget.
_FIXED_COST = 200


@dataclass(frozen=True)
class _Finished:
    """The finished blocks at the start of the text.

    ``source`` is their Markdown, and ``text`` is their plain text. ``following`` is the :class:`.Part` with which the rest of the
    text starts.
    """

    source: str = ""
    text: str = ""
    following: Part | None = None


class GrowingPlainText:
    """Converts a growing Markdown text to plain text.

    Each finished block is converted once. The last block is open: it may still grow, so it is converted again and again.
    :meth:`progress` limits how often this happens.
    """

    def __init__(self) -> None:
        self._finished = _Finished()
        #: An index in the text. The lines before this index were already searched for the start of a block.
        self._scanned = 0
        #: An index in the text. The next search for finished blocks takes place only when the last line end is at this index or
        #: later.
        self._min_end = 0
        #: The result of the newest conversion that included the open block: the Markdown, and its plain text.
        self._whole = ("", "")
        #: The part of `_BUDGET` that is left for this reply, in characters.
        self._budget = _BUDGET

    def finished(self, markdown: str) -> str:
        """Return the plain text of the finished blocks only. Appending text to ``markdown`` does not change this plain text."""
        if not markdown.startswith(self._finished.source):  # The site has changed earlier text.
            self._finished, self._scanned, self._min_end = _Finished(), 0, 0
        start, end = len(self._finished.source), markdown.rfind("\n") + 1
        if end > max(start, self._scanned):
            line_before = markdown.rfind("\n", 0, max(0, self._scanned - 1)) + 1
            self._scanned = end
            if end >= self._min_end and _BLOCK_START.search(markdown, max(start, line_before), end):
                self._finish(markdown, start, end)
        return self._finished.text

    def whole(self, markdown: str) -> str:
        """Convert all of ``markdown``, including the open block, and return its plain text."""
        if self._whole[0] != markdown:
            before = self.finished(markdown)
            rest = markdown[len(self._finished.source) :]
            self._budget -= len(rest) + _FIXED_COST
            self._whole = markdown, join_parts(parts_of(rest, self._finished.following), before)
        return self._whole[1]

    def progress(self, markdown: str, *, more_waits: bool) -> str:
        """Return the plain text so far. It may be the result of an earlier call, because converting at each call is slow.

        :param more_waits: True if the next event has already arrived. In this case, ``markdown`` is converted only while
            ``_BUDGET`` is not used up for this reply.
        """
        known, text = self._whole
        if more_waits and self._budget <= 0 and markdown.startswith(known):
            return text
        self.finished(markdown)
        start = len(self._finished.source)
        is_long = len(known) - start > _LONG_BLOCK and len(markdown) - start < _GROWTH * (len(known) - start)
        return text if is_long and markdown.startswith(known) else self.whole(markdown)

    def _finish(self, markdown: str, start: int, end: int) -> None:
        """Convert the finished blocks in ``markdown[start:end]``. The last block is left out, because it may still grow."""
        source = markdown[start:end]
        parts = parts_of(source, self._finished.following)
        if len(parts) < 2:
            self._min_end = start + int(_RETRY_GROWTH * len(source))
            return
        last = parts.pop()
        line_ends = [0, *(match.end() for match in _LINE_END.finditer(source))]
        text = join_parts(parts, self._finished.text)
        start += line_ends[last.line]
        self._finished, self._min_end = _Finished(markdown[:start], text, last), start + _MIN_LENGTH
