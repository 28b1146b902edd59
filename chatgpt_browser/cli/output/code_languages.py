"""Limits the syntax highlighting of code blocks: a list of languages, a maximum length, and a maximum time.

The reply contains the name of the lexer, and some of Pygments' 500 lexers take minutes for a malicious text. So only the lexers
in `LANGUAGES` are used. Some of these also take quadratic time: with Pygments 2.20 and 10,000 characters of short words, the
lexer for C# takes 19 s, and the lexers for Java and C take 2 to 4 s. Ordinary code of this length takes about 0.02 s. Therefore
each block is first read within a time limit. A block that takes longer is not highlighted.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markdown_it.token import Token

#: The languages whose code blocks are highlighted. Each name is the name of a lexer of Pygments.
LANGUAGES = frozenset(
    "bash c c++ cpp cs csharp css diff go html ini java javascript js json jsx kotlin makefile php py python python3 rb ruby rs"
    " rust sh shell sql swift toml ts tsx typescript xml yaml yml zsh".split()
)
#: The maximum number of characters of a highlighted block. Longer blocks are shown without colours.
MAX_HIGHLIGHTED = 10_000
#: The maximum CPU time of the lexer for one block, in seconds. A block that takes longer is shown without colours.
MAX_SECONDS = 0.5


def limit_highlighting(tokens: Iterable[Token]) -> None:
    """Set a code block's language to plain text if the language is unknown, the block is long, or the lexer is too slow."""
    for token in tokens:
        if token.type == "fence":
            name = token.info.strip().partition(" ")[0].lower()
            is_allowed = name in LANGUAGES and len(token.content) <= MAX_HIGHLIGHTED
            token.info = name if is_allowed and _is_quick(name, token.content) else "text"


@functools.lru_cache(maxsize=32)  # While a reply arrives, its last block is drawn many times.
def _is_quick(language: str, code: str) -> bool:
    """Return whether the lexer of the language reads the code within `MAX_SECONDS`. The time is checked after each token."""
    from rich.syntax import Syntax

    lexer = Syntax("", language).lexer
    limit = time.thread_time() + MAX_SECONDS
    return lexer is not None and all(time.thread_time() < limit for _ in lexer.get_tokens(code))
