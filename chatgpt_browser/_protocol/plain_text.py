"""Converts Markdown to plain text, for the client option ``markdown=False``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .markdown_inline import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token

_LISTS = ("bullet_list", "ordered_list")
_NEWLINE = re.compile("\r\n|\r|\n")
#: Matches an empty line. A line that contains only quote marks (``>``) is also empty.
_EMPTY_LINE = re.compile(r"[\s>]*")


class Part(NamedTuple):
    """A block at the top level of a text, or an item of a list at the top level. Only the last part of a text may still grow.

    * ``line`` is the index of the part's first line.
    * ``separator`` is the text between the previous part and this part.
    * ``in_list`` is True if the part is an item of a list, but not the first item of this list.
    * ``after_empty_line`` is True if there is an empty line before the part.
    """

    line: int
    separator: str
    text: str
    in_list: bool
    after_empty_line: bool


def to_plain_text(markdown: str) -> str:
    """Convert Markdown to plain text. Marks are removed, but no words.

    * An empty line separates paragraphs. A newline separates the items of a tight list, and the rows of a table. A tab separates
      the cells of a row.
    * Code and formulas are unchanged.
    * An image is replaced by its description. A link is replaced by its text, or by its address if the link has no text.
    * HTML tags are removed. Other text in angle brackets stays.
    """
    return join_parts(parts_of(markdown))


def join_parts(parts: Iterable[Part], before: str = "") -> str:
    """Join the texts of parts with their separators, and return the whole text. The whole text starts with ``before``."""
    pieces = [before] if before else []
    for part in parts:
        if part.text:
            pieces += [part.separator, part.text] if pieces else [part.text]
    return "".join(pieces)


def parts_of(markdown: str, after: Part | None = None) -> list[Part]:
    """Return the parts of ``markdown``, in order.

    :param after: None if ``markdown`` is a whole text. If ``markdown`` is the rest of a text that was already split into parts:
        the part with which this rest starts, as the earlier call returned it.
    """
    from .markdown_parser import parser  # imported on first use, because most programs do not need the parser

    lines = _NEWLINE.split(markdown)
    parts: list[Part] = []
    for line, in_list, tokens in _split(
        parser().parse(markdown), in_list=after is not None and after.in_list
    ):
        empty_before = _is_after_empty_line(lines, line)
        if after is not None and not parts:
            empty_before = after.after_empty_line
        separator = "\n" if in_list and not empty_before else "\n\n"
        parts.append(Part(line, separator, _text(tokens, lines), in_list, empty_before))
    return parts


def _split(tokens: Iterable[Token], *, in_list: bool) -> list[tuple[int, bool, list[Token]]]:
    """Split tokens into parts. Return for each part the index of its first line, the value of ``in_list``, and its tokens.

    :param in_list: True if the first item in ``tokens`` continues a list that began earlier.
    """
    parts: list[tuple[int, bool, list[Token]]] = []
    for token in tokens:
        kind = token.type.rpartition("_")[0]
        if token.level == 0 and kind in _LISTS:
            in_list = in_list and not parts
            continue
        line = token.map[0] if token.map else 0
        if token.type == "list_item_open" and token.level == 1:
            parts.append((line, in_list, []))
            in_list = True
        elif token.level == 0 and token.nesting >= 0 and not (parts and parts[-1][0] == line):
            parts.append((line, False, []))
        parts[-1][2].append(token)
    return parts


def _text(tokens: Iterable[Token], lines: list[str]) -> str:
    """Return the plain text of a part. ``tokens`` are the tokens of the part, and ``lines`` are all lines of the Markdown."""
    pieces: list[str] = []
    for separator, text in _blocks(tokens, lines):
        pieces += [separator, text] if pieces else [text]
    return "".join(pieces)


def _blocks(tokens: Iterable[Token], lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield ``(separator, text)`` for each block of text in a part. The separator belongs before the text."""
    depth = rows = cells = 0
    is_captioned = False
    for token in tokens:
        if token.type in ("list_item_open", "list_item_close"):
            depth += token.nesting
        elif token.type == "tr_open":
            rows, cells = rows + 1, 0
        elif token.type in ("th_open", "td_open"):
            cells += 1
        elif token.type == "inline":
            text = _words(token.children or ())
            is_tight = depth and not _is_after_empty_line(lines, (token.map or [0])[0])
            separator = "\n" if is_tight or rows > 1 else "\n\n"
            if rows:
                yield "\t" if cells > 1 else separator, " ".join(text.split("\n"))
            elif text:
                yield separator, text
            is_captioned = "caption" in token.meta
        elif token.type in ("fence", "code_block"):
            yield "\n" if is_captioned else "\n\n", token.content.rstrip("\n")
            is_captioned = False
        elif token.type == "table_close":
            rows = 0


def _words(tokens: Iterable[Token]) -> str:
    breaks = ("softbreak", "hardbreak")
    shown = (token for token in tokens if token.info != ADDRESS)
    text = "".join("\n" if token.type in breaks else token.content for token in shown)
    return "\n".join(line.strip(" ") for line in text.split("\n")).strip("\n")


def _is_after_empty_line(lines: list[str], line: int) -> bool:
    return line > 0 and _EMPTY_LINE.fullmatch(lines[line - 1]) is not None
