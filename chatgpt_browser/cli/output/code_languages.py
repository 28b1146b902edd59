"""The languages in which code blocks of a reply are highlighted.

A reply chooses the lexer by name, and some of Pygments' 500 lexers take quadratic time or worse for a text that is made for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markdown_it.token import Token

#: Names of lexers.
LANGUAGES = frozenset(
    "bash c c++ cpp cs csharp css diff go html ini java javascript js json jsx kotlin makefile php py python python3 rb ruby rs"
    " rust sh shell sql swift toml ts tsx typescript xml yaml yml zsh".split()
)
#: Characters. Longer blocks are shown without colours.
MAX_HIGHLIGHTED = 10_000


def limit_highlighting(tokens: Iterable[Token]) -> None:
    """Set the language of code blocks that are too long, or in another language, to plain text."""
    for token in tokens:
        if token.type == "fence":
            name = token.info.strip().partition(" ")[0].lower()
            is_highlighted = name in LANGUAGES and len(token.content) <= MAX_HIGHLIGHTED
            token.info = name if is_highlighted else "text"
