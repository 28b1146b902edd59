"""Parser rules for inline Markdown as ChatGPT writes it: formulas, HTML tags, and text in angle brackets that is not HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

#: The value of `Token.info` in the tokens with the address of a link. These tokens follow the tokens with the text of the link.
ADDRESS = "address"
#: Maps the opening mark of a formula to the closing mark, for marks that consist of a backslash and a bracket.
_BRACKETS = {"\\(": "\\)", "\\[": "\\]"}
#: Marks of Markdown that a formula cannot contain. If the text between two dollar signs contains such a mark, it is not read as a
#: formula, because the dollar signs may belong to prices (``**$5** or **$x**``).
_NOT_IN_FORMULA = ("**", "`", "](")
_NAME = r"[A-Za-z][A-Za-z0-9]*"
_ATTRIBUTE = r"[\w:.-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?"
_TAG = re.compile(rf"<(?P<closing>/?)(?P<name>{_NAME})(?P<attributes>(?:\s+{_ATTRIBUTE})*)\s*/?>")
_AUTOLINK = re.compile(
    r"<(?:(?:https?|ftp|mailto|tel|sandbox):[^\s<>]+|[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*)>",
    re.IGNORECASE,
)

#: Elements without content. Their tags are always removed.
VOID_TAGS = frozenset("br hr img wbr".split())
#: Elements that format words. Their tags are removed only in pairs: an ``<a>`` without ``</a>`` may be a type or a placeholder.
INLINE_TAGS = frozenset(
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd mark q rp rt ruby s samp small span strike strong sub"
    " sup tt u var".split()
)
#: Elements whose tags separate words. Their tags are removed in pairs. A tag that is not part of a pair is removed if it marks a
#: block (:func:`_stands_alone`).
BLOCK_TAGS = frozenset(
    "article aside blockquote caption center col colgroup dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6"
    " header li main nav ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_TAGS = VOID_TAGS | INLINE_TAGS | BLOCK_TAGS


def formula(state: StateInline, silent: bool) -> bool:
    r"""Read a formula in one of four notations: ``\(..\)``, ``\[..\]``, ``$..$`` and ``$$..$$``. The formula is not changed."""
    src, start = state.src, state.pos
    if src[start] == "$":
        end = _dollars_end(state, start)
    elif (closing := _BRACKETS.get(src[start : start + 2])) is not None:
        end = _find(state, closing, start + 2)
    else:
        return False
    if end < 0:
        return False
    _push_text(state, src[start:end], end, silent)
    return True


def backslashes(state: StateInline, silent: bool) -> bool:
    """Read two backslashes, and keep both. They may be the end of a line in a formula, or the start of a network path."""
    if not state.src.startswith("\\\\", state.pos, state.posMax):
        return False
    _push_text(state, "\\\\", state.pos + 2, silent)
    return True


def address(state: StateInline, silent: bool) -> bool:
    """Read an address in angle brackets. Text without a known scheme, such as ``<std::string>``, is not an address."""
    match = _AUTOLINK.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "<" else None
    if match is None:
        return False
    is_in_word = _is_alphanumeric(state.src[match.start() - 1 : match.start()]) or _is_alphanumeric(
        state.src[match.end() : match.end() + 1]
    )
    _push_text(state, match[0] if is_in_word else match[0][1:-1], match.end(), silent)
    return True


def tag(state: StateInline, silent: bool) -> bool:
    """Read a tag of a known HTML element as a token ``html_tag``. Tags with other names are text."""
    if state.src[state.pos] != "<":
        return False
    match = _TAG.match(state.src, state.pos, state.posMax)
    if match is None or (name := match["name"].lower()) not in _TAGS or match[0].lower() == "<img>":
        return False
    if not silent:
        token = state.push("html_tag", name, 0)
        token.content = match[0]
        token.info = match["attributes"]
        token.markup = "/" if match["closing"] else ""
        token.meta = {"stands_alone": _stands_alone(state.src, match)}
    state.pos = match.end()
    return True


def _stands_alone(src: str, match: re.Match[str]) -> bool:
    """Return whether a tag begins or ends a block of HTML.

    If words follow the tag, as in ``<section> of the report``, the tag is a placeholder, and the result is False.
    """
    before, after = src[match.start() - 1 : match.start()], src[match.end() : match.end() + 2]
    if match["closing"] and before.strip():
        return True
    is_before_words = after[:1] == " " and after[1:] not in ("", "<", "\n") and not match["attributes"]
    return _starts_line(src, match.start()) and not is_before_words


def _starts_line(src: str, position: int) -> bool:
    """Return whether only tags and spaces precede this position in its line. At most 80 characters are read."""
    first = max(0, position - 80)
    line = src[src.rfind("\n", first, position) + 1 or first : position]
    return not _TAG.sub("", line).strip()


def _push_text(state: StateInline, text: str, end: int, silent: bool) -> None:
    """Set the position to ``end``. If ``silent`` is False, also push ``text`` as a token that no other rule changes."""
    if not silent:
        state.push("text_special", "", 0).content = text
    state.pos = end


def _find(state: StateInline, closing: str, start: int) -> int:
    """Return the end of the first closing mark after ``start``, or -1 if there is none.

    The position of the last closing mark in the text is stored. If ``start`` is after this position, no search is needed.
    """
    last: dict[str, tuple[str, int]] = state.env.setdefault("last_marks", {})
    if closing not in last or last[closing][0] is not state.src:
        last[closing] = state.src, state.src.rfind(closing, 0, state.posMax)
    if last[closing][1] < start:
        return -1
    return state.src.find(closing, start) + len(closing)


def _dollars_end(state: StateInline, start: int) -> int:
    """Return the end of a formula between dollar signs, or -1 if there is no formula.

    If the next dollar sign cannot end the formula (as in ``$5 and $6``), no later dollar sign is tried, because it may belong to
    another price.
    """
    src = state.src
    mark = "$$" if src.startswith("$$", start) else "$"
    first = start + len(mark)
    close = _next_unescaped(state, mark, first)
    if close < 0 or any(src.find(text, first, close) >= 0 for text in _NOT_IN_FORMULA):
        return -1
    content = src[first:close]
    if not content.strip():
        return -1
    after = close + len(mark)
    if mark == "$" and (content[0].isspace() or content[-1].isspace() or src[after : after + 1].isdigit()):
        return -1
    return after


def _next_unescaped(state: StateInline, mark: str, start: int) -> int:
    """Return the position of the next mark from ``start`` on without a backslash before it, or -1 if there is none.

    The result is stored, because the same mark may be the next one for many positions.
    """
    src, end = state.src, state.posMax
    known: dict[tuple[str, int], tuple[str, int, int]] = state.env.setdefault("next_marks", {})
    known_src, known_start, close = known.get((mark, end), ("", 0, -1))
    if known_src is src and known_start <= start and (start <= close or close < 0):
        return close
    close = src.find(mark, start, end)
    while close > 0 and src[close - 1] == "\\":
        close = src.find(mark, close + 1, end)
    known[mark, end] = src, start, close
    return close


def _is_alphanumeric(char: str) -> bool:
    return char.isascii() and char.isalnum()
