"""Two streams: results go to standard output, all talk to standard error."""

from __future__ import annotations

import logging
import unicodedata

from rich.console import Console
from rich.logging import RichHandler

# Rich looks at sys.stdout and sys.stderr with each line, so a test may replace them.
out = Console(highlight=False, markup=True)
err = Console(highlight=False, markup=True, stderr=True)


def printable(text: str) -> str:
    """Drop the control characters from a text that came from elsewhere: a terminal obeys them."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


def log_to_stderr(verbosity: int) -> None:
    """Show the library's log: nothing at 0, its milestones at 1, everything from 2."""
    if not verbosity:
        return

    level = logging.INFO if verbosity == 1 else logging.DEBUG
    handler = RichHandler(level, err, show_path=False, markup=False, rich_tracebacks=False)
    logger = logging.getLogger("chatgpt_browser")
    logger.setLevel(level)
    logger.addHandler(handler)
