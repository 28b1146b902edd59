"""The milestones that the library logs, as a call for each."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROWSER_UP = "browser_up"
CHALLENGE_PASSED = "challenge_passed"


class EventHandler(logging.Handler):
    """Calls `notice(event, message)` for each record that carries a `chatgpt_event`."""

    def __init__(self, notice: Callable[[str, str], None]) -> None:
        super().__init__(logging.INFO)
        self._notice = notice

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "chatgpt_event", None)
        if event is not None:
            self._notice(event, record.getMessage())


@contextmanager
def listening(notice: Callable[[str, str], None]) -> Iterator[None]:
    """Hear of the library's milestones while inside; `notice` runs in the library's own thread."""
    logger = logging.getLogger("chatgpt_browser")
    handler, level = EventHandler(notice), logger.level
    # 0 means that the level is the root's, which leaves INFO out unless somebody asked for it.
    logger.setLevel(min(level or logging.INFO, logging.INFO))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
