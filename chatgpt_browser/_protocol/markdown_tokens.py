"""Rewrites tags, images, links and emphasis in parsed Markdown, so that plain text and the terminal show the same words."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from markdown_it.token import Token

from .markdown_inline import ADDRESS, BLOCK_TAGS, VOID_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BREAKS = ("softbreak", "hardbreak")
_EMPHASIS = ("em_open", "strong_open", "s_open")
_CELLS = ("td", "th")
#: Maps the name of a tag to the text that replaces an opening tag between two digits. Without this text, ``10<sup>6</sup>`` would
#: become 106.
_NUMBER_SEPARATORS = {"sup": "^", "sub": "_"}
_SCHEME = re.compile(r"^(?:https?://|mailto:|tel:)", re.IGNORECASE)
#: Matches attributes in the info string of a code block: ``title="app.py"``, ``{.line-numbers}``. Attributes are not part of the
#: caption.
_ATTRIBUTES = re.compile(r"(?<![\w-])[\w-]+=(?:\"[^\"]*\"|'[^']*'|\S*)|\{[^{}]*\}")


def rewrite_inline(children: Sequence[Token]) -> list[Token]:
    """Return the inline tokens of a block, reduced to texts, line breaks and tokens of style.

    A link is replaced by its text. If the address of the link differs from its text, the address is added. An image is replaced
    by its description. HTML tags are removed.
    """
    tokens = _replace_images(children)
    tokens = _remove_tags(tokens)
    tokens = _expand_links(tokens)
    tokens = _restore_marks_in_words(tokens)
    return _trim_breaks(tokens)


def caption_of(info: str) -> str:
    """Return the words in the info string of a code block, without the language and without attributes."""
    return " ".join(_ATTRIBUTES.sub("", info.strip().partition(" ")[2]).split())


def text_token(content: str) -> Token:
    """Return a token of the type ``text`` with this content."""
    return Token("text", "", 0, content=content)


def _replace_images(children: Iterable[Token]) -> list[Token]:
    tokens: list[Token] = []
    for token in children:
        if token.type != "image":
            tokens.append(token)
            continue
        description = _replace_images(token.children or ())
        title = str(token.attrs.get("title", ""))
        tokens.extend(description or [text_token(str(token.attrs.get("src", "")))])
        if title:
            tokens.append(text_token(f" ({title})"))
    return tokens


# ---- tags ------------------------------------------------------------------------------------------------------------


def _remove_tags(tokens: list[Token]) -> list[Token]:
    if not any(token.type == "html_tag" for token in tokens):
        return tokens
    removed = _removed_tags(tokens)
    result: list[Token] = []
    for index, token in enumerate(tokens):
        if token.type != "html_tag":
            result.append(token)
        elif index not in removed:
            result.append(text_token(token.content))
        else:
            result.extend(_replacement(token, result, tokens[index + 1 : index + 2]))
    return result


def _removed_tags(tokens: list[Token]) -> set[int]:
    """Return the indexes of the tags to remove.

    These are all void tags, all pairs of an opening tag and a closing tag, and all unpaired block tags except placeholders.
    """
    removed: set[int] = set()
    opened: dict[str, list[int]] = {}
    for index, token in enumerate(tokens):
        if token.type != "html_tag":
            continue
        if token.tag in VOID_TAGS or (token.tag in BLOCK_TAGS and token.meta["stands_alone"]):
            removed.add(index)
        if not token.markup:
            opened.setdefault(token.tag, []).append(index)
        elif opened.get(token.tag):
            removed.update((opened[token.tag].pop(), index))
    return removed


def _replacement(token: Token, before: list[Token], after: list[Token]) -> list[Token]:
    """Return the tokens that replace a removed tag. ``before`` and ``after`` are the tokens around the tag."""
    name = token.tag
    if name == "br":
        return [Token("hardbreak", "br", 0)]
    if name in BLOCK_TAGS or name == "hr":
        return [Token("hardbreak", "br", 0, info="html_tag")]
    if name == "img":
        return [text_token(_attribute(token, "alt") or _attribute(token, "src"))]
    if name == "a":
        return [Token("link_close", "a", -1) if token.markup else _link(_attribute(token, "href"))]
    if (
        name in _NUMBER_SEPARATORS
        and not token.markup
        and _last(before).isdigit()
        and _first(after).isdigit()
    ):
        return [text_token(_NUMBER_SEPARATORS[name])]
    return []


def _attribute(token: Token, name: str) -> str:
    match = re.search(
        rf"(?<![\w:.-]){name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|(\S+))", token.info, re.IGNORECASE
    )
    return unescape(next(filter(None, match.groups()), "")) if match else ""


def _link(href: str) -> Token:
    return Token("link_open", "a", 1, attrs={"href": href})


# ---- links and emphasis ----------------------------------------------------------------------------------------------


def _expand_links(tokens: list[Token]) -> list[Token]:
    """Replace each link by its text and, in parentheses, its address and its title."""
    result: list[Token] = []
    opened: list[tuple[int, Token]] = []
    for token in tokens:
        if token.type == "link_open":
            opened.append((len(result), token))
            result.append(Token("label_open", "link", 1))
        elif token.type == "link_close" and opened:
            start, link = opened.pop()
            result.append(Token("label_close", "link", -1))
            result.extend(_target(link, _text(result[start:])))
        elif token.type != "link_close":
            result.append(token)
    return result


def _target(link: Token, label: str) -> list[Token]:
    href, title = str(link.attrs.get("href", "")), str(link.attrs.get("title", ""))
    if _bare(href) == _bare(label):
        href = ""
    if not label.strip() and not title:
        return [text_token(href)]
    words = " ".join(filter(None, [href, f'"{title}"' if title else ""]))
    if not words:
        return []
    style = Token("address_open", "link_url", 1), Token("address_close", "link_url", -1)
    target = [text_token(" ("), style[0], text_token(words), style[1], text_token(")")]
    for token in target:
        token.info = ADDRESS
    return target


def _bare(address: str) -> str:
    return _SCHEME.sub("", address.strip()).rstrip("/")


def _restore_marks_in_words(tokens: list[Token]) -> list[Token]:
    """Replace emphasis by its marks if each mark is between two letters or digits. For example, ``2*3*4`` must not become 234."""
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.type in _EMPHASIS:
            opened.append(index)
        elif token.type.replace("_close", "_open") in _EMPHASIS and opened:
            start = opened.pop()
            if _joins_words(tokens, start) and _joins_words(tokens, index):
                tokens[start], tokens[index] = (text_token(tokens[i].markup) for i in (start, index))
    return tokens


def _joins_words(tokens: list[Token], index: int) -> bool:
    pair = _last(tokens[:index][-1:]) + _first(tokens[index + 1 : index + 2])
    return len(pair) == 2 and pair.isascii() and pair.isalnum()


# ---- texts -----------------------------------------------------------------------------------------------------------


def _trim_breaks(tokens: list[Token]) -> list[Token]:
    """Remove line breaks at the start and at the end, and spaces around line breaks.

    If a line break comes from an HTML tag, it is merged with the line breaks directly before and after it.
    """
    result: list[Token] = []
    for token in tokens:
        before = result[-1] if result else None
        if token.type not in _BREAKS:
            if before is None or before.type == "hardbreak":
                token.content = token.content if token.type != "text" else token.content.lstrip(" ")
            result.append(token)
        elif before is None or (before.type in _BREAKS and "html_tag" in (before.info, token.info)):
            if before is not None and before.type == "softbreak":
                result[-1] = token
        else:
            before.content = before.content if before.type != "text" else before.content.rstrip(" ")
            result.append(token)
    while result and result[-1].type in _BREAKS:
        result.pop()
    return result


def _text(tokens: Iterable[Token]) -> str:
    return "".join(" " if token.type in _BREAKS else token.content for token in tokens)


def _last(tokens: list[Token]) -> str:
    return tokens[-1].content[-1:] if tokens else ""


def _first(tokens: list[Token]) -> str:
    return tokens[0].content[:1] if tokens else ""
