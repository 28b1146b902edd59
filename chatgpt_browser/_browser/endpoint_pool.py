"""Choice between several remote browsers, by this process's clients and failures at each."""

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

#: Seconds for which a browser that did not respond is used only if no other responds.
_FAILURE_TTL = 30.0


class EndpointPool(Generic[T]):
    """Counts the clients of each browser and remembers which browsers did not respond. Thread-safe."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, tie_breaker: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._tie_breaker = tie_breaker
        self._lock = threading.Lock()
        self._clients: Counter[T] = Counter()
        self._failed_at: dict[T, float] = {}

    def acquire(self, urls: Sequence[T], tried: Collection[T] = ()) -> T | None:
        """Count a client at the least busy browser that has not been tried, and return its URL; None if all have been tried.

        Ties are broken at random, because other processes choose too. Browsers that failed to respond recently come last, in the
        order of their failures.
        """
        with self._lock:
            left = [url for url in urls if url not in tried]
            if not left:
                return None
            url = min(left, key=self._rank)
            self._clients[url] += 1
            return url

    def release(self, url: T) -> None:
        """Stop counting a client at this browser."""
        with self._lock:
            self._clients[url] -= 1

    def report_failure(self, url: T) -> None:
        """Remember that the browser did not respond, and release it."""
        with self._lock:
            self._clients[url] -= 1
            self._failed_at[url] = self._clock()

    def report_success(self, url: T) -> None:
        """Forget earlier failures of this browser."""
        with self._lock:
            self._failed_at.pop(url, None)

    def _rank(self, url: T) -> tuple[float, int, float]:
        failed_at = self._failed_at.get(url, -math.inf)
        penalty = failed_at if self._clock() < failed_at + _FAILURE_TTL else -math.inf
        return penalty, self._clients[url], self._tie_breaker()


#: The pool of this process.
ENDPOINTS: EndpointPool[Any] = EndpointPool()
