"""Converts positions in a Markdown text to positions in the corresponding plain text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .plain_text import to_plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.reply import Citation

#: A character that marks a position in the text while the text is converted. No text contains this character, because Unicode
#: reserves it for internal use.
_MARKER = "\ufdd0"
#: The maximum number of conversions. The number is limited because each conversion converts the whole text.
_MAX_CONVERSIONS = 64


def to_plain_spans(citations: Sequence[Citation], markdown: str, plain_text: str) -> list[Citation]:
    """Return the citations with positions in the plain text instead of the Markdown.

    If the start or the end of a citation cannot be converted, both become None.
    """
    given = {each for citation in citations for each in (citation.start, citation.end) if each is not None}
    found = _convert(sorted(given), markdown, plain_text)
    return [
        replace(citation, start=start, end=end)
        if (start := found.get(citation.start)) is not None and (end := found.get(citation.end)) is not None
        else replace(citation, start=None, end=None)
        for citation in citations
    ]


def _convert(positions: list[int], markdown: str, plain_text: str) -> dict[int | None, int]:
    """Return a dict that maps positions in the Markdown to positions in the plain text.

    Positions that cannot be converted are left out. First, all positions are converted together. If this fails, the positions are
    split into two halves, and each half is converted separately, and so on. So a position that cannot be converted does not
    affect the others.
    """
    found: dict[int | None, int] = {}
    groups = [positions] if positions and _MARKER not in markdown else []
    for _ in range(_MAX_CONVERSIONS):
        if not groups:
            break
        group = groups.pop()
        converted = _convert_together(group, markdown, plain_text)
        if converted is not None:
            found |= converted
        elif (middle := len(group) // 2) > 0:
            groups += (group[middle:], group[:middle])
    return found


def _convert_together(positions: list[int], markdown: str, plain_text: str) -> dict[int | None, int] | None:
    """Put a marker at each position, convert the text once, and return the positions of the markers.

    Return None if the markers change the plain text.
    """
    ends = [*positions[1:], len(markdown)]
    pieces = [markdown[start:end] for start, end in zip(positions, ends, strict=True)]
    marked = to_plain_text(_MARKER.join((markdown[: positions[0]], *pieces)))
    parts = marked.split(_MARKER)
    if "".join(parts) != plain_text or len(parts) != len(positions) + 1:
        return None
    found: dict[int | None, int] = {}
    offset = 0
    for position, part in zip(positions, parts, strict=False):
        offset += len(part)
        found[position] = offset
    return found
