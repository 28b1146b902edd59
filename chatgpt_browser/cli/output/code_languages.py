"""Limits the syntax highlighting of code blocks to certain languages and to a maximum length.

A reply can name any of Pygments' 500 lexers, and some of these take quadratic time or worse for a malicious text. So only the
lexers in the list below are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markdown_it.token import Token

#: The languages that are highlighted. These are names of Pygments' lexers.
LANGUAGES = frozenset(
    "bash c c++ cpp cs csharp css diff go html ini java javascript js json jsx kotlin makefile php py python python3 rb ruby rs"
    " rust sh shell sql swift toml ts tsx typescript xml yaml yml zsh".split()
)
#: The maximum number of characters of a highlighted block. Longer blocks are shown without colours.
MAX_HIGHLIGHTED = 10_000


def limit_highlighting(tokens: Iterable[Token]) -> None:
    """Change the language of a code block to plain text if the block is too long or its language is not in `LANGUAGES`."""
    for token in tokens:
        if token.type == "fence":
            name = token.info.strip().partition(" ")[0].lower()
            is_highlighted = name in LANGUAGES and len(token.content) <= MAX_HIGHLIGHTED
            token.info = name if is_highlighted else "text"
