"""Two streams: results go to standard output, all talk to standard error."""

from __future__ import annotations

import logging
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.logging import RichHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

# Rich looks at sys.stdout and sys.stderr with each line, so a test may replace them.
out = Console(highlight=False)
err = Console(highlight=False, stderr=True)


def printable(text: str) -> str:
    """Drop the control characters from a text that came from elsewhere: a terminal obeys them."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


@contextmanager
def logging_to_stderr(verbosity: int) -> Iterator[None]:
    """Show the library's log while inside: nothing of it at 0, its milestones at 1, everything from 2."""
    logger = logging.getLogger("chatgpt_browser")
    handler, level = RichHandler(console=err, show_path=False, markup=False), logger.level
    if verbosity:
        logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
