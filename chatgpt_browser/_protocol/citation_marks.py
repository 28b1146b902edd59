"""Removes the site's citation marks from a text.

A mark represents a citation, a card or a name inside a text. It consists of these parts, in this order:

* U+E200, a character of Unicode's private use area;
* the kind of the mark;
* the fields of the mark, each with U+E202 before it;
* U+E201.

The site's page replaces a mark of the kind ``entity`` by the entity's name, and a mark of the kind ``url`` by the link text. It
replaces every other mark by an element that is not text. The characters U+E203 to U+E206 mark the start and the end of a passage
that a citation refers to.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from .site_json import parse_json
from .unicode_ranges import contains_any, remove_all

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The characters of marks, and the characters that mark the start and the end of a cited passage. The value is a range for a
#: character set in a regular expression.
MARKS = "\ue200-\ue206"

#: Maps the character at the end of a cited passage to the character at its start.
_OPENERS = {"\ue204": "\ue203", "\ue206": "\ue205"}

#: Maps a kind of mark to the number of the field that replaces the mark. The first field has the number 1. A mark of the kind
#: ``entity`` is replaced by the name of the entity. Marks of all other kinds are removed.
_SHOWN_FIELD = {"url": 1, "link_title": 1}


@functools.cache
def _mark() -> re.Pattern[str]:
    return re.compile("\ue200([^\ue200\ue201]*)\ue201")


def find_marks(raw: str) -> Iterator[re.Match[str]]:
    """Return an iterator over the complete marks in a raw text."""
    return _mark().finditer(raw)


class CitationMarkFilter:
    """Removes the marks from a text that grows. Each call of :meth:`visible` searches only the new part of the text."""

    def __init__(self) -> None:
        #: True if the text ends inside a mark. If not, a new piece without marks only has to be appended to the visible text.
        self.is_open = False
        self._has_marks = False
        self._raw = ""
        self._settled = ""  # The processed part of the raw text. An unfinished mark is not part of it.
        self._visible = ""

    def visible(self, raw: str, *, at_end: bool = False) -> str:
        """Return the text without its marks. If the last mark has no end yet, the result ends before this mark.

        :param raw: the whole text so far.
        :param at_end: True if no more text follows. In this case, a mark without an end is returned as ordinary text.
        """
        fresh = raw[len(self._raw) :] if raw.startswith(self._raw) else raw
        if not self._has_marks or len(fresh) == len(raw):
            self._has_marks = contains_any(MARKS, fresh)
        self._raw = raw
        if not self._has_marks:
            self.is_open = False
            return raw

        if not raw.startswith(self._settled):
            self._settled = self._visible = ""
        more = raw[len(self._settled) :]
        start = more.rfind("\ue200")
        ended = more if at_end or start == -1 or "\ue201" in more[start:] else more[:start]
        self._settled += ended
        self._visible += remove_all(MARKS, _mark().sub(_replacement, ended))
        self.is_open = len(ended) < len(more)
        return self._visible


class VisiblePositions:
    """Converts positions in the raw text of a complete message to positions in its visible text."""

    def __init__(self, raw: str) -> None:
        #: For each part that is removed or replaced: the index of its start in the raw text.
        self._starts: list[int] = []
        #: For each such part: the index of its end in the raw text, and the indexes of the start and the end of its replacement
        #: in the visible text.
        self._parts: list[tuple[int, int, int]] = []
        passages = _PassageFinder(raw)
        offset = 0  # the visible index minus the raw index, after the newest part
        for part in _part().finditer(raw):
            shown = "" if part[1] is None else remove_all(MARKS, _replacement(part))
            start = part.start() + offset
            offset += len(shown) - len(part[0])
            self._starts.append(part.start())
            self._parts.append((part.end(), start, start + len(shown)))
            passages.add(part, is_visible=bool(shown))
        #: For each mark after a cited passage: the index of the mark's start, and the span of the passage, in the raw text.
        self.passages: dict[int, tuple[int, int]] = passages.found

    def find(self, index: int) -> int:
        """Return the position in the visible text for ``index``, a position in the raw text.

        If ``index`` is inside a mark, return the position of the start of the mark.
        """
        before = bisect_right(self._starts, index) - 1
        if before < 0:
            return index
        end, shown_start, shown_end = self._parts[before]
        return shown_start if index < end else index - end + shown_end


class _PassageFinder:
    """Finds the cited passages of a raw text. A passage may contain other passages, and several marks may follow a passage."""

    def __init__(self, raw: str) -> None:
        self.found: dict[int, tuple[int, int]] = {}
        self._raw = raw
        #: For each opening character: the indexes at which its open passages start.
        self._open: dict[str, list[int]] = {opener: [] for opener in _OPENERS.values()}
        self._passage: tuple[int, int] | None = None  # the newest passage that the next mark may refer to
        self._end = 0  # the end of this passage, or of the newest mark after it

    def add(self, part: re.Match[str], *, is_visible: bool) -> None:
        """Add the next mark, or the next character at the start or the end of a passage.

        :param is_visible: True if the mark is replaced by a text.
        """
        if part[0] in self._open:
            self._open[part[0]].append(part.end())
        elif part[0] in _OPENERS:
            starts = self._open[_OPENERS[part[0]]]
            self._passage = (starts.pop(), part.start()) if starts else None
            self._end = part.end()
        elif self._passage is not None:
            follows = not is_visible and not self._raw[self._end : part.start()].strip()
            self._passage = self._passage if follows else None
            if self._passage is not None:
                self.found[part.start()] = self._passage
                self._end = part.end()


@functools.cache
def _part() -> re.Pattern[str]:
    return re.compile(f"{_mark().pattern}|[{MARKS}]")


def _replacement(mark: re.Match[str]) -> str:
    kind, *fields = mark[1].split("\ue202")
    if kind == "entity" and fields:
        return _entity_name(fields[0])
    at = _SHOWN_FIELD.get(kind, 0)
    return fields[at - 1] if 0 < at <= len(fields) else ""


def _entity_name(field: str) -> str:
    """Return the name of an entity. ``field`` is a JSON list with the kind and the name of the entity.

    If ``field`` is not JSON, return it unchanged.
    """
    try:
        entity = parse_json(field)
    except ValueError:
        return field
    name = entity[1] if isinstance(entity, list) and len(entity) > 1 else ""
    return name if isinstance(name, str) else ""
