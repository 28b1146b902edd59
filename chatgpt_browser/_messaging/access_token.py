"""The access token: refreshed through the session endpoint in page context, kept for its time, one refresh for all who ask."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._core.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.models import Session

__all__ = ["AccessTokenCache"]


class AccessTokenCache:
    """Keeps the session for ``ttl`` seconds. ``refresh`` asks the site for it."""

    def __init__(
        self,
        refresh: Callable[[], Awaitable[Session]],
        *,
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refresh = SingleFlight(self._renew)
        self._ask = refresh
        self._ttl = ttl
        self._clock = clock
        self._session: Session | None = None
        self._fresh_until = 0.0

    async def get(self) -> Session:
        """The session, asked for again when its time is over.

        :raises AuthenticationError: the site gave none.
        """
        if self._session is not None and self._clock() < self._fresh_until:
            return self._session
        return await self._refresh()

    def reject(self, access_token: str) -> None:
        """The site took this token for dead. A newer one stays."""
        if self._session is not None and self._session.access_token == access_token:
            self._session = None

    async def close(self) -> None:
        """End the refresh that is under way, if any."""
        await self._refresh.cancel()

    async def _renew(self) -> Session:
        self._session = None
        session = await self._ask()
        self._session, self._fresh_until = session, self._clock() + self._ttl
        return session
