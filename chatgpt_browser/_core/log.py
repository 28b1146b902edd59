"""The logger of this package."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger("chatgpt_browser")


@contextmanager
def log_handler(handler: logging.Handler, level: int, target: logging.Logger = logger) -> Iterator[None]:
    """In the block, add a handler to a logger, and set the package's log level so that records of ``level`` are logged.

    :param target: the logger that receives the handler. By default, it is the logger of this package.
    """
    level_before = logger.level
    # The level 0 means that no level is set, so it must not count as the lowest level. Without a level, the level of the root
    # logger applies, which is usually above INFO.
    logger.setLevel(min(level_before or level, level))
    target.addHandler(handler)
    try:
        yield
    finally:
        target.removeHandler(handler)
        logger.setLevel(level_before)
