"""Finds the code in a Markdown text, so that a footnote mark is never put into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\r|\n")
#: Matches a code span, which begins and ends with the same number of backticks. A backtick after a backslash begins no span.
_SPAN = re.compile(r"(?<![`\\])((?:\\\\)*)(`+)(?!`)(.+?)(?<!`)\2(?!`)", re.DOTALL)
#: Matches the indentation and the quote marks at the beginning of a line.
_PREFIX = re.compile(r"[ \t>]*")
_BLOCKS = ("fence", "code_block")


class CodeRange(NamedTuple):
    """The positions of the first character of a piece of code, and of the first character after it."""

    start: int
    end: int
    is_block: bool
    #: True if the block has no end yet: all text that follows also belongs to the block.
    is_open: bool = False

    def contains(self, position: int) -> bool:
        """Return whether a mark at this position would damage the code.

        A mark directly before or after the code damages a code block, but not a code span.
        """
        if self.is_block:
            return self.start <= position <= self.end
        return self.start < position < self.end


def code_ranges(text: str) -> list[CodeRange]:
    """Return the code blocks and the code spans of a Markdown text, in no particular order."""
    from chatgpt_browser._protocol.markdown_parser import parser

    starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    lines = [*starts, len(text)]
    ranges: list[CodeRange] = []
    for token in parser().parse(text):
        if token.map is None:
            continue
        start, end = (lines[min(line, len(lines) - 1)] for line in token.map)
        if token.type in _BLOCKS:
            code = text[start:end].rstrip()
            ranges.append(CodeRange(start, start + len(code), True, _is_open(code, token.markup)))
        elif token.type in ("inline", "tr_open"):
            ranges += _spans(text, start, end)
    return ranges


def code_at(positions: Iterable[int], ranges: Iterable[CodeRange]) -> dict[int, CodeRange]:
    """Return for each position the piece of code that contains it. Positions outside code are left out."""
    found: dict[int, CodeRange] = {}
    waiting = sorted(ranges, reverse=True)
    near: list[CodeRange] = []  # The pieces that begin before the position and end after it.
    for position in sorted(positions):
        while waiting and waiting[-1].start <= position:
            near.append(waiting.pop())
        near = [code for code in near if code.end >= position]
        hit = next((code for code in near if code.contains(position)), None)
        if hit is not None:
            found[position] = hit
    return found


def _is_open(code: str, fence: str) -> bool:
    """Return whether a code block has an opening fence but no closing fence."""
    lines = _LINE_END.split(code)
    return bool(fence) and (len(lines) < 2 or not lines[-1].lstrip(" \t>").startswith(fence))


def _spans(text: str, start: int, end: int) -> Iterator[CodeRange]:
    for match in _SPAN.finditer(text, start, end):
        yield CodeRange(match.start(2), match.end(), is_block=False)


def insert_outside_code(text: str, position: int, mark: str, hit: CodeRange | None) -> str:
    """Return the text with a mark at a position. If ``hit`` is the code at this position, put the mark after the code.

    A mark after a code block is a paragraph in the same list or quote as the block. If the text has no position after the block,
    because the closing fence is missing, return the text without the mark.
    """
    if hit is None:
        return text[:position] + mark + text[position:]
    if hit.is_open:
        return text
    if not hit.is_block:
        return text[: hit.end] + mark + text[hit.end :]
    before, after = text[: hit.end], text[hit.end :]
    last_line = before[max(before.rfind("\n"), before.rfind("\r")) + 1 :]
    match = _PREFIX.match(last_line)
    prefix = match[0] if match else ""
    is_followed = bool(after.strip()) and not re.match(r"\s*\n[ \t>]*\n", after)
    return f"{before}\n{prefix.rstrip()}\n{prefix}{mark}{chr(10) + prefix.rstrip() if is_followed else ''}{after}"
