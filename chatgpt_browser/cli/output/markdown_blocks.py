"""Splits Markdown into blocks, such as paragraphs and list items. The functions of this module use no terminal and no clock.

When text is appended, only the last block changes. Therefore each earlier block is written to the terminal only once. Each list
item is a separate block, because a list may be longer than the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markdown_it.token import Token

from chatgpt_browser._protocol.markdown_parser import parser

LISTS = ("bullet_list_open", "ordered_list_open")
CODE = ("fence", "code_block")


class Block(NamedTuple):
    """A block of Markdown. `tokens` are its tokens, and `apart` is True if an empty line precedes the block.

    `line` is the index of the first line of the top-level block. For a list item, this is the first line of the whole list.
    """

    tokens: list[Token]
    line: int
    apart: bool = True

    @property
    def is_code(self) -> bool:
        """True if the block is a code block."""
        return self.tokens[0].type in CODE


def blocks_of(markdown: str) -> list[Block]:
    """Return the blocks of a text, in order."""
    blocks: list[Block] = []
    for tokens in _top_level(parser().parse(markdown)):
        line = (tokens[0].map or [0])[0]
        if tokens[0].type in LISTS:
            blocks.extend(_list_items(tokens, line, markdown.split("\n")))
        else:
            blocks.append(Block(tokens, line))

    return blocks


def settled_blocks(markdown: str) -> int:
    """Return the number of blocks at the start of the text that do not change when text is appended.

    These are all blocks of the complete lines, except the last block. A line is complete if it ends with a line break.
    """
    return max(0, len(blocks_of(markdown[: markdown.rfind("\n") + 1])) - 1)


def _list_items(tokens: list[Token], line: int, lines: Sequence[str]) -> Iterator[Block]:
    """Yield a block for each item of a list. Each block is a list with one item, which keeps the item's number."""
    opening, *inside, closing = tokens
    for index, item in enumerate(_top_level(inside)):
        start = int(opening.attrs.get("start", 1)) + index
        first = (item[0].map or [0])[0]
        opened = opening.copy(attrs={**opening.attrs, "start": start})
        yield Block([opened, *item, closing], line, apart=index == 0 or not lines[first - 1].strip())


def _top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each top-level block, from the opening token to the closing token."""
    start, depth = 0, 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield list(tokens[start : index + 1])
            start = index + 1
