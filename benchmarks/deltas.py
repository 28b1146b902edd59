"""Benchmark of replies in the site's newer format at full speed: each event contains only the added text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clients import in_turn
from .cores import can_part, server_apart
from .figures import Limit, Row
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clients import Clients

__all__ = ["measure_deltas"]

#: Number of events: number of rounds.
FULL = {200: 15, 2000: 9, 10_000: 5}
QUICK = {2000: 3}

LARGEST_RATIO = 1.3
#: Fixed cost of the browser for each message in milliseconds, compared with a plain client.
LARGEST_MS = 6.0


async def measure_deltas(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return a row for each number of events, and informative rows with the server on a separate core. npm cannot read deltas."""
    rows = []
    for events, rounds in (QUICK if quick else FULL).items():
        name = f"{events:,} deltas in a burst"
        say(f"{clients.protocol}: {name}, {rounds} rounds")
        row = await _measure(clients, name, events, rounds, {"deltas": events})
        more = (row.median("ours") or 0) - (row.median("plain") or 0)
        rows.append(row.limited(Limit(row.ratio(), LARGEST_RATIO, "x"), Limit(more, LARGEST_MS, " ms")))
        if can_part() and not quick:
            with server_apart(clients.address):
                name = f"… the server on a core of its own ({events:,})"
                rows.append(await _measure(clients, name, events, rounds, {"deltas_apart": events}))
    return rows


async def _measure(clients: Clients, name: str, events: int, rounds: int, detail: dict[str, int]) -> Row:
    heard = await in_turn(clients.both, Script(events, encoding="delta"), rounds)
    samples = {who: [sample.seconds * 1000 for sample in heard[who]] for who in heard}
    return Row(name, clients.protocol, samples, detail=detail)
