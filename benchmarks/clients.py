"""The clients of one server, opened together and measured in turn."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from .npm import Npm
from .ours import Ours
from .plain import PlainHttp1, PlainHttp2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .sample import Client, Sample
    from .script import Script
    from .server import Address

__all__ = ["Clients", "ask", "ask_many", "in_turn"]


class Clients:
    """The clients of one server. The npm package is included if it is installed; it supports only HTTP/1.1."""

    def __init__(self, address: Address, plain: PlainHttp1 | PlainHttp2, ours: Ours, npm: Npm | None) -> None:
        self.address = address
        self.protocol = address.protocol
        self.plain = plain
        self.ours = ours
        self.npm = npm

    @property
    def both(self) -> list[Client]:
        """The two clients that the targets compare."""
        return [self.plain, self.ours]

    @property
    def everyone(self) -> list[Client]:
        """The two compared clients and, for information, the npm package."""
        return self.both if self.npm is None else [*self.both, self.npm]

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address, *, with_npm: bool) -> AsyncIterator[Clients]:
        """Sign in all clients and start our browser."""
        async with AsyncExitStack() as stack:
            plain: PlainHttp1 | PlainHttp2 = PlainHttp2(address) if address.is_http2 else PlainHttp1(address)
            await stack.enter_async_context(plain)
            ours = await stack.enter_async_context(Ours(address))
            npm = await stack.enter_async_context(Npm(address)) if with_npm and not address.is_http2 else None
            yield cls(address, plain, ours, npm)


async def ask(client: Client, script: Script) -> Sample:
    """Send one message and check that the reply is complete."""
    sample = await client.listen(script.to_message())
    script.check(client.name, sample.text, len(sample.arrivals))
    return sample


async def ask_many(client: Client, script: Script, streams: int) -> tuple[float, list[Sample]]:
    """Send `streams` messages at once. Return the seconds until the last reply was complete, and all replies."""
    gc.collect()
    started = time.monotonic()
    samples = await asyncio.gather(*(ask(client, script) for _ in range(streams)))
    return time.monotonic() - started, samples


async def in_turn(clients: Sequence[Client], script: Script, rounds: int) -> dict[str, list[Sample]]:
    """Measure one client after the other for `rounds` rounds, after one warm-up round."""
    samples: dict[str, list[Sample]] = {client.name: [] for client in clients}
    for turn in range(rounds + 1):
        for client in clients:
            gc.collect()  # so that no client is charged for another client's garbage
            sample = await ask(client, script)
            if turn > 0:
                samples[client.name].append(sample)
    return samples
