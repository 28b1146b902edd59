"""Permits to send messages. They limit the number of messages in flight. Further messages wait in the order of their calls."""

from __future__ import annotations

import functools

import anyio

from .._core.log import logger

#: The maximum number of connections that Chromium opens to one host over HTTP/1.1. Messages do not use all of them: one
#: connection stays free for requests that refresh the session.
_HTTP1_CONNECTIONS = 6


class Permit:
    """The permission to have one message in flight."""

    def __init__(self, limiter: anyio.CapacityLimiter) -> None:
        self._limiter = limiter
        self._is_held = True

    def release(self) -> None:
        """Give the permit back to the queue, so that the next message can be sent. Only the first call has an effect."""
        if self._is_held:
            self._is_held = False
            self._limiter.release_on_behalf_of(self)


class MessagePermits:
    """A queue for permits. The caller that has waited longest gets the next permit."""

    def __init__(self, limit: int) -> None:
        self._initial_limit = limit

    @functools.cached_property
    def _limiter(self) -> anyio.CapacityLimiter:
        """The limiter. It is created on first use, because its creation takes 20 ms: it imports parts of anyio."""
        return anyio.CapacityLimiter(self._initial_limit)

    @property
    def limit(self) -> int:
        """The number of messages that may be in flight at once."""
        return int(self._limiter.total_tokens)

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limiter.total_tokens = limit

    @property
    def in_use(self) -> int:
        """The number of messages in flight."""
        return self._limiter.borrowed_tokens

    async def acquire(self) -> Permit:
        """Wait for a permit, and return it."""
        permit = Permit(self._limiter)
        await self._limiter.acquire_on_behalf_of(permit)
        return permit

    def adapt_to(self, protocol: str) -> None:
        """Lower the limit if the site uses HTTP/1.1.

        With a higher limit, some messages would wait inside the browser for a free connection. Their timeouts would include this
        wait.
        """
        available = _HTTP1_CONNECTIONS - 1
        if protocol == "http/1.1" and self.limit > available:
            self.limit = available
            logger.warning(
                "the site uses HTTP/1.1, over which a browser opens %d connections to a host: %d of "
                "max_concurrent_messages=%d are sent at once, the others wait; use several clients to send more at once",
                _HTTP1_CONNECTIONS,
                available,
                self._initial_limit,
            )
