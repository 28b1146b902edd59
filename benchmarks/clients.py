"""All clients of one server, opened together and asked in turn."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from .figures import Sample
from .npm import Npm
from .ours import Ours
from .plain import PlainHttp1, PlainHttp2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from .script import Script
    from .server import Address

__all__ = ["Client", "Clients", "ask", "ask_many", "in_turn"]


class Client(Protocol):
    """Whoever can send a message and follow the reply."""

    name: str

    async def ask(self, message: str, on_progress: Callable[[str], object]) -> str: ...


class Clients:
    """The clients of one server. The npm package is there where it could be installed; it speaks HTTP/1.1 alone."""

    def __init__(self, address: Address, plain: Client, ours: Ours, npm: Npm | None) -> None:
        self.address = address
        self.plain = plain
        self.ours = ours
        self.npm = npm

    @property
    def protocol(self) -> str:
        """What the server speaks."""
        return self.address.protocol

    @property
    def both(self) -> list[Client]:
        """The two that every target is about."""
        return [self.plain, self.ours]

    @property
    def everyone(self) -> list[Client]:
        """Those two, and the npm package for information."""
        return self.both if self.npm is None else [*self.both, self.npm]

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address, *, with_npm: bool) -> AsyncIterator[Clients]:
        """Sign all of them in, and start our browser."""
        async with AsyncExitStack() as stack:
            plain = await stack.enter_async_context(
                PlainHttp2(address) if address.is_http2 else PlainHttp1(address)
            )
            ours = await stack.enter_async_context(Ours(address))
            npm = await stack.enter_async_context(Npm(address)) if with_npm and not address.is_http2 else None
            yield cls(address, plain, ours, npm)


async def ask(client: Client, script: Script) -> Sample:
    """Send one message, and see that all of the reply came."""
    arrivals: list[float] = []
    now, arrived = time.monotonic, arrivals.append
    message = script.to_message()

    started = now()
    text = await client.ask(message, lambda _: arrived(now()))
    seconds = now() - started

    script.check(client.name, text, len(arrivals))
    return Sample(seconds, text, arrivals)


async def ask_many(client: Client, script: Script, streams: int) -> tuple[float, list[Sample]]:
    """Send so many messages at once: the seconds until the last reply was whole, and all replies."""
    started = time.monotonic()
    samples = await asyncio.gather(*(ask(client, script) for _ in range(streams)))
    return time.monotonic() - started, samples


async def in_turn(clients: Sequence[Client], script: Script, rounds: int) -> dict[str, list[Sample]]:
    """Ask one client after the other, that many rounds, after one round to warm up."""
    samples: dict[str, list[Sample]] = {client.name: [] for client in clients}
    for turn in range(rounds + 1):
        for client in clients:
            gc.collect()  # nobody pays for what another left behind
            sample = await ask(client, script)
            if turn > 0:
                samples[client.name].append(sample)
    return samples
