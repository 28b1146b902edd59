"""Browsers that somebody else runs: which of several a client goes to, as far as this process knows."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["FLEET", "EndpointPool"]

T = TypeVar("T")

#: Seconds for which one that did not answer is passed over while another does.
_REST = 30.0


class EndpointPool(Generic[T]):
    """Counts the clients at each browser and remembers which did not answer. Used from several threads."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._clients: Counter[T] = Counter()
        self._failed_at: dict[T, float] = {}

    def take(self, urls: Sequence[T], tried: Collection[T] = ()) -> T | None:
        """Go to the least busy of those that have not been tried, or to None where all have.

        Chance decides between equals: other processes choose as well. One that did not answer lately comes after all others,
        the one that has rested longest first.
        """
        with self._lock:
            left = [url for url in urls if url not in tried]
            if not left:
                return None
            url = min(left, key=self._rank)
            self._clients[url] += 1
            return url

    def leave(self, url: T) -> None:
        """A client has left."""
        with self._lock:
            self._clients[url] -= 1

    def fail(self, url: T) -> None:
        """A client that went there did not come to a browser, and leaves."""
        with self._lock:
            self._clients[url] -= 1
            self._failed_at[url] = self._clock()

    def answer(self, url: T) -> None:
        """A client that went there has come to a browser."""
        with self._lock:
            self._failed_at.pop(url, None)

    def _rank(self, url: T) -> tuple[float, int, float]:
        failed_at = self._failed_at.get(url, -math.inf)
        rests_since = failed_at if self._clock() < failed_at + _REST else -math.inf
        return rests_since, self._clients[url], self._chance()


#: The one of this process.
FLEET: EndpointPool[Any] = EndpointPool()
