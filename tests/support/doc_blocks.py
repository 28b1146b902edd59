"""The code blocks of README.md and docs/, read with the marks that stand before them. Pure.

A block is run unless an HTML comment right before it says `not run:` and why; then it is checked without being run. A page
with the comment `one notebook` is one: its Python blocks are cells of it, in order.
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
#: The title of a text block that shows what the block before it prints; `…` stands for what changes.
PRINTS = "It prints"
NOTEBOOK = "<!-- one notebook -->"

_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->", re.DOTALL)
_TITLE = re.compile(r'title="([^"]*)"')


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    code: str
    title: str | None = None
    #: Why it is not run, where it is not.
    not_run: str | None = None
    #: What it prints, where the page says so.
    prints: str | None = None

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def holds_tests(self) -> bool:
        return "def test_" in self.code


def pages() -> list[Path]:
    """README.md and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def all_blocks() -> tuple[Block, ...]:
    """Every code block of every page, in order."""
    return tuple(block for page in pages() for block in blocks_of(page))


def blocks(language: str) -> list[Block]:
    return [block for block in all_blocks() if block.language == language]


def is_notebook(page: str) -> bool:
    return NOTEBOOK in (ROOT / page).read_text("utf-8")


def blocks_of(page: Path) -> list[Block]:
    return read_blocks(page.read_text("utf-8"), page.relative_to(ROOT).as_posix())


def read_blocks(text: str, page: str) -> list[Block]:
    """The fenced blocks of a Markdown text.

    :raises ValueError: for a fence that a reader sees and this parser does not, as one inside an admonition.
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
