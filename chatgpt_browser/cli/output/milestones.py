"""Callbacks for the milestones in the library's log, such as the start of the browser."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from .consoles import log_handler

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


def milestone_callback(callback: Callable[[str, str], None]) -> AbstractContextManager[None]:
    """Call `callback(event, message)` for each milestone in the block, from the library's thread."""
    return log_handler(MilestoneHandler(callback), logging.INFO)
