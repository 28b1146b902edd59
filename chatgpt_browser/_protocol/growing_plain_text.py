"""Plain text of a Markdown text that grows. The time is linear in the length of the text, however many events it arrives in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .plain_text import Part, join_parts, parts_of

#: Matches the first line of most blocks: a line after an empty line, an item of a list, or a heading. A block with another first
#: line is converted together with the block before it.
_BLOCK_START = re.compile(r"^[ \t\r]*\n(?=\S)|^(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]", re.MULTILINE)
_LINE_END = re.compile("\r\n|\r|\n")
#: The length of a long open block in characters. Its progress is converted each time its length has doubled.
_LONG_BLOCK = 500
_GROWTH = 2
#: The smallest length of the open text, in characters, in which finished blocks are searched for. Each search has a fixed cost.
_MIN_LENGTH = 80
#: A block without a finished part is parsed again when it has grown by this factor.
_RETRY_GROWTH = 1.5
#: The number of characters that are converted for the progress of events that have arrived together.
_BUDGET = 10_000
#: The cost of one conversion, in characters, in addition to the length of the text.
_FIXED_COST = 200


@dataclass(frozen=True)
class _Finished:
    """The finished blocks: their Markdown, their plain text, and the first part after them."""

    source: str = ""
    text: str = ""
    following: Part | None = None


class GrowingPlainText:
    """Converts a growing text. A finished block is converted once. The open block at the end is converted when it is needed."""

    def __init__(self) -> None:
        self._finished = _Finished()
        self._scanned = 0  # the end of the last line that was searched for the start of a block
        self._min_end = 0  # the length of the text at which parsing the open block again is worth the time
        self._whole = ("", "")  # the newest text that was converted to its end, and its plain text
        self._budget = _BUDGET

    def finished(self, markdown: str) -> str:
        """Return the plain text of the finished blocks. Text that is appended to ``markdown`` does not change it."""
        if not markdown.startswith(self._finished.source):  # the site has rewritten earlier text
            self._finished, self._scanned, self._min_end = _Finished(), 0, 0
        start, end = len(self._finished.source), markdown.rfind("\n") + 1
        if end > max(start, self._scanned):
            line_before = markdown.rfind("\n", 0, max(0, self._scanned - 1)) + 1
            self._scanned = end
            if end >= self._min_end and _BLOCK_START.search(markdown, max(start, line_before), end):
                self._finish(markdown, start, end)
        return self._finished.text

    def whole(self, markdown: str) -> str:
        """Return the plain text of the whole text."""
        if self._whole[0] != markdown:
            before = self.finished(markdown)
            rest = markdown[len(self._finished.source) :]
            self._budget -= len(rest) + _FIXED_COST
            self._whole = markdown, join_parts(parts_of(rest, self._finished.following), before)
        return self._whole[1]

    def progress(self, markdown: str, *, more_waits: bool) -> str:
        """Return the plain text so far. It may be the text that an earlier call returned, so that the time stays linear.

        :param more_waits: True if the next event has already arrived. Then the text is converted only within a budget.
        """
        known, text = self._whole
        if more_waits and self._budget <= 0 and markdown.startswith(known):
            return text
        self.finished(markdown)
        start = len(self._finished.source)
        is_long = len(known) - start > _LONG_BLOCK and len(markdown) - start < _GROWTH * (len(known) - start)
        return text if is_long and markdown.startswith(known) else self.whole(markdown)

    def _finish(self, markdown: str, start: int, end: int) -> None:
        """Convert the blocks in the complete lines of the open text, except the last block."""
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
