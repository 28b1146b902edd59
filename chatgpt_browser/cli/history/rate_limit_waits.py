"""Lets `history export` wait after a rate limit and repeat the request. The sum of the waits is limited."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from chatgpt_browser import RateLimitError

from ..output.consoles import print_note

T = TypeVar("T")

#: One export waits at most this number of seconds for rate limits. Each wait counts as at least one second, so that waits
#: of 0 s do not repeat without end.
LONGEST_WAIT = 30 * 60.0


class RateLimitWaits:
    """Waits for the rate limits of one export, in total at most 30 minutes."""

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._left = LONGEST_WAIT

    def read(self, work: Callable[[], T]) -> T:
        """Call `work` and return its result. After a rate limit, wait as long as the site requests, and call `work` again.

        :raises RateLimitError: the site has not sent a delay, or the waits would take longer than 30 minutes in total.
        """
        while True:
            with self._wait_after_rate_limit():
                return work()

    @contextmanager
    def _wait_after_rate_limit(self) -> Iterator[None]:
        try:
            yield
        except RateLimitError as error:
            seconds = error.retry_after
            if seconds is None or seconds > self._left:
                raise
            self._left -= max(seconds, 1.0)
            print_note(f"waiting {seconds:.0f} s: the site limits how often conversations are read")
            self._sleep(seconds)
