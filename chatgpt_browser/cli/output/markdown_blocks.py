"""A Markdown text cut into the blocks that stand under each other on a screen. Pure: no terminal, no clock.

A growing text changes nothing but its last block, so the others can be written for good while it grows. An item of a list counts
as a block of its own: a list may be longer than a screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

LISTS = ("bullet_list_open", "ordered_list_open")
CODE = ("fence", "code_block")
#: The same Markdown as Rich's.
PARSER = MarkdownIt().enable("strikethrough").enable("table")


class Block(NamedTuple):
    """One block: its tokens, the text's line that its outermost block begins on, whether an empty line stands before it."""

    tokens: list[Token]
    line: int
    apart: bool = True

    @property
    def is_code(self) -> bool:
        return self.tokens[0].type in CODE


def blocks_of(markdown: str) -> list[Block]:
    """The blocks of a text, in order."""
    blocks: list[Block] = []
    for tokens in _outermost(PARSER.parse(markdown)):
        line = (tokens[0].map or [0])[0]
        if tokens[0].type in LISTS:
            blocks.extend(_items(tokens, line, markdown.split("\n")))
        else:
            blocks.append(Block(tokens, line))

    return blocks


def settled_blocks(markdown: str) -> int:
    """How many blocks of a growing text will stay as they are: all but the last of those that whole lines make."""
    return max(0, len(blocks_of(markdown[: markdown.rfind("\n") + 1])) - 1)


def _items(tokens: list[Token], line: int, lines: Sequence[str]) -> Iterator[Block]:
    """The items of a list, each as a list of its own that goes on counting."""
    opening, *inside, closing = tokens
    for index, item in enumerate(_outermost(inside)):
        start = int(opening.attrs.get("start", 1)) + index
        first = (item[0].map or [0])[0]
        opened = opening.copy(attrs={**opening.attrs, "start": start})
        yield Block([opened, *item, closing], line, apart=index == 0 or not lines[first - 1].strip())


def _outermost(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of each outermost block: from its opening to its closing."""
    begun, depth = 0, 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield list(tokens[begun : index + 1])
            begun = index + 1
