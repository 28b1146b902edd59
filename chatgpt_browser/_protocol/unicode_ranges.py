"""Searches a text for rare non-ASCII characters: surrogates and citation marks."""

from __future__ import annotations

import functools
import re

#: UTF-16 surrogates. If the site has cut a surrogate pair in two, a JSON text contains a single surrogate.
SURROGATES, HIGH_SURROGATES = "\ud800-\udfff", "\ud800-\udbff"


def contains_any(ranges: str, text: str) -> bool:
    """Return whether a text contains a character in ``ranges``: non-ASCII ranges, written as in a regular expression."""
    return not text.isascii() and _pattern(ranges).search(text) is not None


def remove_all(ranges: str, text: str) -> str:
    """Return the text without the characters of these ranges."""
    return _pattern(ranges).sub("", text)


@functools.cache
def _pattern(ranges: str) -> re.Pattern[str]:
    # The pattern is compiled on first use. For such high code points, this takes 1 to 2 ms, and most programs do not need it.
    return re.compile(f"[{ranges}]")
