"""Searches a text for characters of given ranges, such as surrogates and citation marks, or removes these characters."""

from __future__ import annotations

import functools
import re

#: The ranges of all UTF-16 surrogates and of the high surrogates. A text contains a single surrogate if a pair was split.
SURROGATES, HIGH_SURROGATES = "\ud800-\udfff", "\ud800-\udbff"


def contains_any(ranges: str, text: str) -> bool:
    """Return whether a text contains a character of ``ranges``. The ranges are non-ASCII, and are written as in a regex set."""
    return not text.isascii() and _pattern(ranges).search(text) is not None


def remove_all(ranges: str, text: str) -> str:
    """Return the text without the characters in ``ranges``."""
    return _pattern(ranges).sub("", text)


@functools.cache
def _pattern(ranges: str) -> re.Pattern[str]:
    # The pattern is compiled on first use, because this takes 1 to 2 ms, and most programs do not need the pattern.
    return re.compile(f"[{ranges}]")
