"""The site's citation marks: citations, cards and names inside a text, written in Unicode's private use area.

A mark is U+E200, a kind, fields (each preceded by U+E202), and U+E201. The site's page shows a replacement: the name of an
``entity``, the link text of a ``url``, or nothing that is text. U+E203 to U+E206 delimit the passage that a citation is about.
"""

from __future__ import annotations

import functools
import json
import re

from .unicode_ranges import contains_any, remove_all

#: The characters that marks consist of, as a range for a regular expression.
MARKS = "\ue200-\ue206"

#: The position, counted from 1, of the field that is shown in place of a mark.
_SHOWN_FIELD = {"url": 1, "link_title": 1}


@functools.cache
def _mark() -> re.Pattern[str]:
    return re.compile("\ue200([^\ue200\ue201]*)\ue201")


class CitationMarkFilter:
    """Removes the marks from a text that grows. Only the part that is new is searched."""

    def __init__(self) -> None:
        #: True if the text ends inside a mark. If it is False, added text without marks is visible as it is.
        self.is_open = False
        self._has_marks = False
        self._raw = ""
        self._settled = ""  # the part of the raw text that more text cannot change
        self._visible = ""

    def visible(self, raw: str, *, at_end: bool = False) -> str:
        """Return the text without its marks.

        A mark whose end is missing is left out, together with the text behind it. ``at_end``: no more text follows, so that
        such a mark is ordinary text.
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


def _replacement(mark: re.Match[str]) -> str:
    kind, *fields = mark[1].split("\ue202")
    if kind == "entity" and fields:
        return _entity_name(fields[0])
    at = _SHOWN_FIELD.get(kind, 0)
    return fields[at - 1] if 0 < at <= len(fields) else ""


def _entity_name(field: str) -> str:
    """Return the name from an entity's field: a JSON list of its kind and its name."""
    try:
        entity = json.loads(field)
    except ValueError:
        return field
    name = entity[1] if isinstance(entity, list) and len(entity) > 1 else ""
    return name if isinstance(name, str) else ""
