"""Calls a function for each milestone, such as the start of the browser. A milestone is a log record with a `chatgpt_event`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from chatgpt_browser._core.log import log_handler

BROWSER_UP = "browser_up"
CHALLENGE_PASSED = "challenge_passed"


class MilestoneHandler(logging.Handler):
    """Calls `callback(event, message)` for each log record with the attribute `chatgpt_event`."""

    def __init__(self, callback: Callable[[str, str], None]) -> None:
        super().__init__(logging.INFO)
        self._callback = callback

    def emit(self, record: logging.LogRecord) -> None:
        """Call the callback if the record is a milestone."""
        event = getattr(record, "chatgpt_event", None)
        if event is not None:
            self._callback(event, record.getMessage())


def milestone_callback(callback: Callable[[str, str], None]) -> AbstractContextManager[None]:
    """Call `callback(event, message)` for each milestone of the `with` block. The call is made in the library's thread."""
    return log_handler(MilestoneHandler(callback), logging.INFO)
