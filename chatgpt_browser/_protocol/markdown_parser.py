"""The Markdown parser for plain text and for the terminal. It may remove marks, but it never removes words.

The parser differs from CommonMark in the following rules:

* Text in angle brackets that is not HTML stays. A tag that is not part of a pair also stays, except for tags of elements without
  content (``<br>``) and tags that mark a block.
* Formulas are not changed.
* Definitions of links and footnotes are read as text.
* A row of a table may have more cells than the header.
* Quotes and lists that are nested too deeply are read as text.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.rules_block import blockquote, list_block, table
from markdown_it.token import Token

from .markdown_inline import address, backslashes, formula, tag
from .markdown_tokens import caption_of, rewrite_inline, text_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore

#: The maximum nesting level of lists and quotes. At this level, a further list or quote is read as text. (markdown-it itself has
#: a limit of 20, and drops text that is nested more deeply.)
_MAX_DEPTH = 10
_MATH_MARKS = {"$$": "$$", "\\[": "\\]"}
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_ALTERNATIVES = ["paragraph", "reference", "blockquote", "list"]


@functools.cache
def parser() -> MarkdownIt:
    """Return the parser. Its inline tokens are texts, line breaks and tokens of style. They contain no HTML, links or images."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.disable(["reference", "autolink"])
    markdown.normalizeLink = lambda url: url  # type: ignore[method-assign]  # the default encodes words with percent signs
    block, inline, core = markdown.block.ruler, markdown.inline.ruler, markdown.core.ruler
    block.at("blockquote", _limited(blockquote), {"alt": ["paragraph", "reference", "blockquote", "list"]})
    block.at("list", _limited(list_block), {"alt": ["paragraph", "reference", "blockquote"]})
    block.at("table", _whole_table, {"alt": ["paragraph", "reference"]})
    block.before("fence", "formula_block", _formula_block, {"alt": _ALTERNATIVES})
    inline.before("escape", "formula", formula)
    inline.before("escape", "backslashes", backslashes)
    inline.before("html_inline", "address", address)
    inline.before("html_inline", "html_tag", tag)
    core.push("rewrite_inline", _rewrite_inline)
    core.push("captions", _add_captions)
    return markdown


def _limited(
    rule: Callable[[StateBlock, int, int, bool], bool],
) -> Callable[[StateBlock, int, int, bool], bool]:
    return lambda state, start, end, silent: state.level < _MAX_DEPTH and rule(state, start, end, silent)


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()


def _formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a formula of several lines as a code block. The block ends with its closing mark, or at an empty line.

    The closing mark may be missing. If the closing mark were required, a growing formula would be read as a paragraph until the
    mark arrives, and only then as a formula.
    """
    first = _line(state, start)
    closing = _MATH_MARKS.get(first[:2])
    if closing is None or state.is_code_block(start) or closing in first[2:] or first.startswith("$$$"):
        return False
    if silent:
        return True
    line = start + 1
    while line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        line += 1
        if closing in _line(state, line - 1):
            break
    token = state.push("code_block", "code", 0)
    token.content = state.getLines(start, line, state.blkIndent, True)
    token.map = [start, line]
    state.line = line
    return True


def _whole_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a table. If a row has more cells than the header, keep the additional cells. The rule of markdown-it drops them."""
    first = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    if silent:
        return True
    tokens, columns = state.tokens[first:], 0
    del state.tokens[first:]
    for token in tokens:
        if token.type == "tr_open":
            row, found = (token.map or [start])[0], 0
        elif token.type in ("th_open", "td_open"):
            found += 1
        elif token.type == "tr_close":
            columns = columns or found
            state.tokens.extend(_extra_cells(_line(state, row), columns, token.level + 1, row))
        state.tokens.append(token)
    return True


def _extra_cells(line: str, columns: int, level: int, row: int) -> list[Token]:
    cells = _CELL_BORDER.split(line)
    if not cells[0]:
        cells.pop(0)
    if cells and not cells[-1]:
        cells.pop()
    tokens = []
    for cell in cells[columns:]:
        content = cell.strip().replace("\\|", "|")
        tokens += [
            Token("td_open", "td", 1, level=level),
            Token(
                "inline", "", 0, level=level + 1, content=content, children=[], map=[row, row + 1], block=True
            ),
            Token("td_close", "td", -1, level=level),
        ]
    return tokens


def _add_captions(state: StateCore) -> None:
    """Insert a paragraph before each code block whose info string has words after the language."""
    tokens: list[Token] = []
    for token in state.tokens:
        if token.type == "fence" and (caption := caption_of(token.info)):
            line = (token.map or [0])[0]
            words = Token("inline", "", 0, level=token.level + 1, map=[line, line + 1], block=True)
            words.children, words.meta = [text_token(caption)], {"caption": True}
            tokens += [
                Token("paragraph_open", "p", 1, level=token.level, map=[line, line + 1], block=True),
                words,
                Token("paragraph_close", "p", -1, level=token.level, block=True),
            ]
        tokens.append(token)
    state.tokens = tokens


def _rewrite_inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline":
            token.children = rewrite_inline(token.children or [])
