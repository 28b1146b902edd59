"""Callbacks for the milestones in the library's log, such as the start of the browser."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

BROWSER_UP = "browser_up"
CHALLENGE_PASSED = "challenge_passed"


class MilestoneHandler(logging.Handler):
    """Calls `callback(event, message)` for each log record with the attribute `chatgpt_event`."""

    def __init__(self, callback: Callable[[str, str], None]) -> None:
        super().__init__(logging.INFO)
        self._callback = callback

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a milestone on to the callback."""
        event = getattr(record, "chatgpt_event", None)
        if event is not None:
            self._callback(event, record.getMessage())


@contextmanager
def milestone_callback(callback: Callable[[str, str], None]) -> Iterator[None]:
    """Call `callback(event, message)` for each milestone in the block, from the library's thread."""
    logger = logging.getLogger("chatgpt_browser")
    handler, level = MilestoneHandler(callback), logger.level
    # Level 0 means the level of the root logger, which is usually above INFO.
    logger.setLevel(min(level or logging.INFO, logging.INFO))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
