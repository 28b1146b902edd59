"""One reply as a client saw it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Client", "Sample", "timed"]


@dataclass(frozen=True)
class Sample:
    """One reply: how many seconds it took, its text, and when its callback was called (`time.monotonic()`)."""

    seconds: float
    text: str
    arrivals: list[float]


class Client(Protocol):
    """Whoever can send a message and follow the reply."""

    name: str

    async def listen(self, message: str) -> Sample:
        """Send a message; the whole reply."""
        ...


async def timed(ask: Callable[[str, Callable[[str], object]], Awaitable[str]], message: str) -> Sample:
    """Ask, with a callback that notes the time: the same one for all clients of this process."""
    arrivals: list[float] = []
    now, arrived = time.monotonic, arrivals.append

    started = now()
    text = await ask(message, lambda _: arrived(now()))
    return Sample(now() - started, text, arrivals)
