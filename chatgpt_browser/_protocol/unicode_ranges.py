"""Search of a text for non-ASCII characters that it seldom contains: surrogates and citation marks."""

from __future__ import annotations

import functools
import re

#: UTF-16 surrogates. A JSON text may contain a single one where the site has cut a surrogate pair in two.
SURROGATES, HIGH_SURROGATES = "\ud800-\udfff", "\ud800-\udbff"


def contains_any(ranges: str, text: str) -> bool:
    """Return whether a text contains a character in ``ranges``: non-ASCII ranges, written as in a regular expression."""
    return not text.isascii() and _pattern(ranges).search(text) is not None


def remove_all(ranges: str, text: str) -> str:
    """Return the text without the characters of these ranges."""
    return _pattern(ranges).sub("", text)


@functools.cache
def _pattern(ranges: str) -> re.Pattern[str]:
    # Compiled on first use: compiling takes 1 to 2 ms for code points this high, and most programs never need the pattern.
    return re.compile(f"[{ranges}]")
