"""Benchmark of replies that the server sends at full speed: the cost of each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clients import in_turn
from .figures import Limit, Row
from .floor import measure_floor
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clients import Clients

__all__ = ["measure_bursts"]

#: Number of events: number of rounds. Short replies need more rounds, and these are cheap.
FULL = {1: 50, 20: 25, 200: 15, 1000: 9, 2000: 7, 4000: 7, 10_000: 5}
QUICK = {1: 10, 200: 5, 2000: 3}

LARGEST_RATIO = {200: 2.0, 2000: 1.5, 4000: 1.5}
ONE_EVENT_RATIO, ONE_EVENT_MS = 4.0, 6.0


async def measure_bursts(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return a row for each number of events, and one for information: the minimum cost of one event in a browser."""
    rows: list[Row] = []
    at_4000: Row | None = None
    for events, rounds in (QUICK if quick else FULL).items():
        name = "one event" if events == 1 else f"{events:,} events in a burst"
        say(f"{clients.protocol}: {name}, {rounds} rounds")
        heard = await in_turn(clients.everyone, Script(events), rounds)
        samples = {who: [sample.seconds * 1000 for sample in heard[who]] for who in heard}
        row = Row(name, clients.protocol, samples, detail={"events": events})
        rows.append(row.limited(*_limits(events, row, at_4000)))
        if events == 4000:
            at_4000 = row
        if events == 1 and not quick:
            rows.append(await measure_floor(clients, rounds))
    return rows


def _limits(events: int, row: Row, at_4000: Row | None) -> list[Limit]:
    if events == 1:
        more = (row.median("ours") or 0) - (row.median("plain") or 0)
        return [Limit(row.ratio(), ONE_EVENT_RATIO, "x"), Limit(more, ONE_EVENT_MS, " ms")]
    if events in LARGEST_RATIO:
        return [Limit(row.ratio(), LARGEST_RATIO[events], "x")]
    if events == 10_000 and at_4000 is not None:
        return [Limit(row.ratio(), at_4000.ratio(), "x")]
    return []
