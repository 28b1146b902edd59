"""Chooses one of several remote browsers. The choice depends on each browser's last failure and on its number of clients."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

T = TypeVar("T")

#: For this number of seconds after a browser has failed, it is used only if no other browser responds.
_FAILURE_TTL = 30.0


class EndpointPool(Generic[T]):
    """Counts the clients of each browser in this process, and stores which browsers did not respond. It is thread-safe."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, tie_breaker: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._tie_breaker = tie_breaker
        self._lock = threading.Lock()
        self._clients: Counter[T] = Counter()
        self._failed_at: dict[T, float] = {}

    def acquire(self, urls: Sequence[T], tried: Collection[T] = ()) -> T | None:
        """Return the URL of the browser with the fewest clients, and count one more client there. Skip the URLs in ``tried``.

        Return None if all browsers have been tried. If several browsers have the fewest clients, choose one of them at random:
        otherwise, all processes that use these browsers would start with the same one. Browsers that failed less than
        ``_FAILURE_TTL`` seconds ago are chosen last; among these, the browser with the earliest failure is chosen first.
        """
        with self._lock:
            left = [url for url in urls if url not in tried]
            if not left:
                return None
            url = min(left, key=self._rank)
            self._clients[url] += 1
            return url

    def release(self, url: T) -> None:
        """Count one client less for this browser, because a client no longer uses the browser."""
        with self._lock:
            self._clients[url] -= 1

    def report_failure(self, url: T) -> None:
        """Store the current time as the time at which this browser failed, and count one client less for this browser."""
        with self._lock:
            self._clients[url] -= 1
            self._failed_at[url] = self._clock()

    def report_success(self, url: T) -> None:
        """Delete the record of an earlier failure of this browser."""
        with self._lock:
            self._failed_at.pop(url, None)

    def _rank(self, url: T) -> tuple[float, int, float]:
        failed_at = self._failed_at.get(url, -math.inf)
        penalty = failed_at if self._clock() < failed_at + _FAILURE_TTL else -math.inf
        return penalty, self._clients[url], self._tie_breaker()


#: The pool that all clients of this process share.
ENDPOINTS: EndpointPool[Any] = EndpointPool()
