"""One reply, measured in a client."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Client", "Sample", "timed"]


@dataclass(frozen=True)
class Sample:
    """A reply: its duration in seconds, its text, and the times of its callbacks (`time.monotonic()`)."""

    seconds: float
    text: str
    arrivals: list[float]


class Client(Protocol):
    """A client that can send a message and follow its reply."""

    name: str

    async def listen(self, message: str) -> Sample:
        """Send a message and return the whole reply."""
        ...


async def timed(ask: Callable[[str, Callable[[str], object]], Awaitable[str]], message: str) -> Sample:
    """Send a message with a callback that records the time, the same for all clients of this process."""
    arrivals: list[float] = []
    now, arrived = time.monotonic, arrivals.append

    started = now()
    text = await ask(message, lambda _: arrived(now()))
    return Sample(now() - started, text, arrivals)
