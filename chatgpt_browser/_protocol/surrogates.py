"""Looks for characters beyond ASCII that a text seldom holds. Pure: no I/O, no clock."""

from __future__ import annotations

import functools
import re

__all__ = ["FIRST_HALVES", "HALVES", "holds", "without"]

#: The halves of UTF-16's pairs, as ranges: a text from JSON may hold one alone, where a character was cut in two.
HALVES, FIRST_HALVES = "\ud800-\udfff", "\ud800-\udbff"


def holds(characters: str, text: str) -> bool:
    """Whether a text holds any of these characters (ranges as in a regular expression's brackets), all of them beyond ASCII."""
    return not text.isascii() and _pattern(characters).search(text) is not None


def without(characters: str, text: str) -> str:
    """The text less these characters."""
    return _pattern(characters).sub("", text)


@functools.cache
def _pattern(characters: str) -> re.Pattern[str]:
    # Not when the module is loaded: it takes 1 to 2 ms for ranges this high, and most programs never need one.
    return re.compile(f"[{characters}]")
