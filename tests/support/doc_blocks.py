"""The code blocks of README.md and docs/, with the marks before them.

A block with an HTML comment `not run: REASON` right before it is checked without running it. On a page with the comment
`one notebook`, the Python blocks are the cells of one notebook, in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from markdown_it.token import Token

ROOT = Path(__file__).parent.parent.parent
#: The title of a text block that shows the output of the block before it. `…` stands for any text.
PRINTS = "It prints"
NOTEBOOK = "<!-- one notebook -->"

_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->", re.DOTALL)
_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True)
class Block:
    """A fenced code block of a page."""

    page: str
    line: int
    language: str
    code: str
    title: str | None = None
    #: The reason why the block is not run, or None if it is run.
    not_run: str | None = None
    #: The output that the page shows, if any.
    prints: str | None = None

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def holds_tests(self) -> bool:
        return "def test_" in self.code


def pages() -> list[Path]:
    """Return the paths of README.md and of every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def all_blocks() -> tuple[Block, ...]:
    """Return every code block of every page, in order."""
    return tuple(block for page in pages() for block in blocks_of(page))


def blocks(language: str) -> list[Block]:
    return [block for block in all_blocks() if block.language == language]


def is_notebook(page: str) -> bool:
    return NOTEBOOK in (ROOT / page).read_text("utf-8")


def blocks_of(page: Path) -> list[Block]:
    return read_blocks(page.read_text("utf-8"), page.relative_to(ROOT).as_posix())


def read_blocks(text: str, page: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text.

    :raises ValueError: The text has an indented fence, for example inside an admonition, which this parser does not read.
    """
    tokens = MarkdownIt("commonmark").parse(text)
    found: list[Block] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "code_block" and "```" in token.content:
            raise ValueError(f"{page}:{_line(token)}: a fence inside something indented is not checked")
        if token.type == "fence":
            block = _block(page, token, before)
            if block.title == PRINTS and found:
                found[-1] = Block(**{**vars(found[-1]), "prints": block.code})
            found.append(block)

    return found


def _block(page: str, token: Token, before: Token | None) -> Block:
    language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
    title = _TITLE.search(token.info)
    mark = _NOT_RUN.search(before.content) if before is not None and before.type == "html_block" else None
    return Block(
        page,
        _line(token),
        language,
        token.content,
        title[1] if title else None,
        " ".join(mark[1].split()) if mark else None,
    )


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0
