"""Benchmark of a reply that is converted to plain text: a client with `markdown=False` beside our client with Markdown."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from chatgpt_browser._protocol.plain_text import to_plain_text

from .figures import Limit, Row
from .ours import make_client
from .sample import timed
from .script import BenchmarkError, Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clients import Clients

__all__ = ["measure_plain_text"]

#: 40 KB of Markdown.
EVENTS = 2000
LARGEST_RATIO = 1.2


async def measure_plain_text(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return a row with the client that returns Markdown in the column of the plain client."""
    rounds = 3 if quick else 9
    name = f"{EVENTS:,} events as plain text, beside Markdown"
    say(f"{clients.protocol}: {name}, {rounds} rounds")
    script = Script(EVENTS, markdown=True)
    markdown = "".join(script.pieces(0))
    expected = {"plain": markdown, "ours": to_plain_text(markdown)}
    samples: dict[str, list[float]] = {who: [] for who in expected}
    async with make_client(clients.address, markdown=False) as converting:
        apis = {"plain": clients.ours.api, "ours": converting}
        for turn in range(rounds + 1):
            for who, api in apis.items():
                gc.collect()
                sample = await timed(
                    lambda message, on_progress, api=api: api.send_message(message, on_progress=on_progress),
                    script.to_message(),
                )
                if sample.text != expected[who]:
                    raise BenchmarkError(f"{who}: the text of {EVENTS} events is wrong")
                if turn > 0:
                    samples[who].append(sample.seconds * 1000)
    row = Row(name, clients.protocol, samples, detail={"plain": "markdown"})
    return [row.limited(Limit(row.ratio(), LARGEST_RATIO, "x"))]
