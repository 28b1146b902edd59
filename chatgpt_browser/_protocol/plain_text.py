"""Converts Markdown to plain text, for the client option ``markdown=False``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@functools.cache
def _parser() -> Any:
    from markdown_it import MarkdownIt  # imported on first use, because most programs do not need it

    return MarkdownIt("commonmark").enable("table")


def to_plain_text(markdown: str) -> str:
    """Convert Markdown to plain text.

    An empty line separates paragraphs. A newline separates the items of a tight list, and the rows of a table. A tab separates
    the cells of a row. Code is unchanged. An image is replaced by its description, and a link by its text. HTML tags are removed.
    """
    pieces: list[str] = []

    for separator, text in _blocks(markdown):
        if pieces:
            pieces.append(separator)
        pieces.append(text)

    return "".join(pieces)


def _blocks(markdown: str) -> Iterator[tuple[str, str]]:
    """Yield ``(separator, text)`` for each block of text. The separator comes before the text."""
    separator = "\n\n"
    opens_block = opens_row = False

    for token in _parser().parse(markdown):
        if token.type == "inline":
            yield separator, _inline(token.children or ())
            separator = "\n\n"
        elif token.type in ("fence", "code_block"):
            yield "\n\n", token.content.rstrip("\n")
        elif token.type in ("table_open", "bullet_list_open", "ordered_list_open"):
            opens_block = opens_block or token.level == 0
        elif token.type == "tr_open" or (token.type == "paragraph_open" and token.hidden):
            separator = "\n\n" if opens_block else "\n"
            opens_block, opens_row = False, True
        elif token.type in ("th_open", "td_open"):
            separator = separator if opens_row else "\t"
            opens_row = False


def _inline(tokens: Any) -> str:
    return "".join(_words(token) for token in tokens)


def _words(token: Any) -> str:
    if token.type in ("text", "code_inline"):
        return str(token.content)
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "image":
        return _inline(token.children or ())
    return ""
