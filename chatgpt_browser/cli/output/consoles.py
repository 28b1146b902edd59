"""Two streams: results go to standard output, all talk to standard error."""

from __future__ import annotations

import json
import logging
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.logging import RichHandler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

# Rich looks at sys.stdout and sys.stderr with each line, so a test may replace them.
out = Console(highlight=False)
err = Console(highlight=False, stderr=True)


def printable(text: str) -> str:
    """Drop the control characters from a text that came from elsewhere: a terminal obeys them."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


def note(text: str) -> None:
    """Say something beside the results: a line on standard error, as it stands."""
    err.print(printable(text), markup=False, soft_wrap=True)


def shows_markdown() -> bool:
    """Whether standard output is a terminal on which lines can be rewritten."""
    return sys.stdout.isatty() and not out.is_dumb_terminal and not out.legacy_windows


def write_json(value: Any) -> None:
    """Write one JSON value: set out for the eye on a terminal, else on one line."""
    indent = 2 if sys.stdout.isatty() else None
    ascii_alone = not (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(value, ensure_ascii=ascii_alone, indent=indent, default=_isoformat) + "\n")
    sys.stdout.flush()


def _isoformat(value: datetime) -> str:
    return value.isoformat()


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
