"""The two consoles: results go to standard output, all other output to standard error."""

from __future__ import annotations

import json
import logging
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.logging import RichHandler

# Rich looks up sys.stdout and sys.stderr for each line, so tests can replace them.
out = Console(highlight=False)
err = Console(highlight=False, stderr=True)


def printable(text: str) -> str:
    """Return an untrusted text without control characters, which a terminal would interpret."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


def print_note(text: str) -> None:
    """Print a line on standard error, without markup."""
    err.print(printable(text), markup=False, soft_wrap=True)


def print_dim(text: str) -> None:
    """Print a dimmed line on standard error, without markup."""
    err.print(printable(text), style="dim", markup=False, soft_wrap=True)


def shows_markdown() -> bool:
    """Return whether standard output is a terminal that can rewrite lines."""
    return sys.stdout.isatty() and not out.is_dumb_terminal and not out.legacy_windows


def write_json(value: Any) -> None:
    """Write a JSON value to standard output: indented on a terminal, otherwise on one line."""
    indent = 2 if sys.stdout.isatty() else None
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(
        json.dumps(value, ensure_ascii=ascii_only, indent=indent, default=datetime.isoformat) + "\n"
    )
    sys.stdout.flush()


@contextmanager
def library_log_handler(handler: logging.Handler, level: int) -> Iterator[None]:
    """Add a handler to the library's logger in the block, and let the logger pass records of this level."""
    logger = logging.getLogger("chatgpt_browser")
    level_before = logger.level
    # Level 0 means the level of the root logger, which is usually above INFO.
    logger.setLevel(min(level_before or level, level))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level_before)


def logging_to_stderr(verbosity: int) -> AbstractContextManager[None]:
    """Print the library's log records in the block: none at verbosity 0, from INFO at 1, from DEBUG at 2 and more."""
    if not verbosity:
        return nullcontext()
    handler = RichHandler(console=err, show_path=False, markup=False)
    return library_log_handler(handler, logging.INFO if verbosity == 1 else logging.DEBUG)
