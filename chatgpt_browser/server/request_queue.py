"""The limit for waiting requests."""

from __future__ import annotations

from .errors import APIError

#: The maximum number of requests that wait.
MAX_WAITING = 64
#: The value of ``Retry-After`` in seconds, for a client that was refused.
_RETRY_AFTER = 10


class RequestQueue:
    """Counts the requests in progress, and refuses a new request if too many of them are waiting.

    At most `at_once` requests are being answered, and all others are waiting. The ChatGPT client, not this object, makes the
    requests wait and chooses their order.

    :param at_once: the maximum number of messages that the ChatGPT client sends at the same time.
    """

    def __init__(self, at_once: int) -> None:
        self._limit = at_once + MAX_WAITING
        self._count = 0

    def __enter__(self) -> None:
        """Count one more request.

        :raises APIError: too many requests are waiting (503).
        """
        if self._count >= self._limit:
            raise APIError(
                503,
                f"{MAX_WAITING} requests are waiting already. Nothing was sent. Try again later.",
                code="queue_full",
                kind="server_error",
                headers={"retry-after": str(_RETRY_AFTER), "x-should-retry": "true"},
            )
        self._count += 1

    def __exit__(self, *_: object) -> None:
        self._count -= 1
