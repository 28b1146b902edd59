"""The site's own marks in a text: citations, cards and names, written in characters of Unicode's private use area. Pure.

A mark is U+E200, a kind, fields (each after U+E202), U+E201. The site's page shows something in its place: the name that an
``entity`` stands for, the words of a ``url``; or nothing that is text. U+E203 to U+E206 alone set off what a citation is about.
"""

from __future__ import annotations

import functools
import json
import re

from .surrogates import holds, without

__all__ = ["MARKS", "Markup"]

#: The characters that marks are made of.
MARKS = "\ue200-\ue206"

_SHOWN_FIELD = {"url": 1, "link_title": 1}


@functools.cache
def _mark() -> re.Pattern[str]:
    return re.compile("\ue200([^\ue200\ue201]*)\ue201")


class Markup:
    """Takes the marks out of a text that grows."""

    def __init__(self) -> None:
        self.found = False
        #: Whether the text ends in a mark whose own end is still to come. Else more text without marks is all visible.
        self.is_open = False
        self._raw = ""
        self._seen = ""  # as far as no more text can change it
        self._visible = ""

    def visible(self, raw: str, *, at_end: bool = False) -> str:
        """The text without its marks. One whose end has not come yet is left out, with what follows it, until the text ends."""
        fresh = raw[len(self._raw) :] if raw.startswith(self._raw) else raw
        if not self.found or len(fresh) == len(raw):
            self.found = holds(MARKS, fresh)
        self._raw = raw
        if not self.found:
            self.is_open = False
            return raw

        if not raw.startswith(self._seen):
            self._seen = self._visible = ""
        more = raw[len(self._seen) :]
        start = more.rfind("\ue200")
        ended = more if at_end or start == -1 or "\ue201" in more[start:] else more[:start]
        self._seen += ended
        self._visible += without(MARKS, _mark().sub(_shown, ended))
        self.is_open = len(ended) < len(more)
        return self._visible


def _shown(mark: re.Match[str]) -> str:
    kind, *fields = mark[1].split("\ue202")
    if kind == "entity" and fields:
        return _entity_name(fields[0])
    at = _SHOWN_FIELD.get(kind, 0)
    return fields[at - 1] if 0 < at <= len(fields) else ""


def _entity_name(field: str) -> str:
    """An entity's field is a JSON list of its kind and its name."""
    try:
        entity = json.loads(field)
    except ValueError:
        return field
    name = entity[1] if isinstance(entity, list) and len(entity) > 1 else ""
    return name if isinstance(name, str) else ""
