"""`RequestLog`: the list of all requests. A test can wait until a request arrives."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest


class RequestLog:
    """The list of all requests, oldest first. Any thread may use it."""

    def __init__(self) -> None:
        #: The value of `time.monotonic()` when the log was created.
        self.started_at = time.monotonic()
        #: The value of `time.time()` at the same moment.
        self.started_on = time.time()
        self._changed = threading.Condition()
        self._records: list[RecordedRequest] = []

    def add(self, record: RecordedRequest) -> None:
        """Append a request, and wake the threads that wait for a request."""
        with self._changed:
            self._records.append(record)
            self._changed.notify_all()

    def all(self) -> list[RecordedRequest]:
        """Return a copy of the list of all requests."""
        with self._changed:
            return [*self._records]

    def wait(self, path_suffix: str, method: str | None, count: int, timeout: float) -> RecordedRequest:
        """Block until `count` requests have matched, and return the last of these requests.

        A request matches if its path ends with `path_suffix` and its method is `method` (None: any method).

        :raises TimeoutError: if fewer than `count` requests have matched after `timeout` seconds.
        """
        found: list[RecordedRequest] = []

        def enough() -> bool:
            found[:] = [record for record in self._records if _matches(record, path_suffix, method)]
            return len(found) >= count

        with self._changed:
            if self._changed.wait_for(enough, timeout):
                return found[count - 1]

        wanted = f"{method or 'any method'}, path ending with {path_suffix!r}"
        raise TimeoutError(f"{len(found)} of {count} requests arrived within {timeout:g} s: {wanted}")


def _matches(record: RecordedRequest, path_suffix: str, method: str | None) -> bool:
    return record.path.endswith(path_suffix) and (method is None or record.method == method.upper())
