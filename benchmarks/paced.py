"""Benchmark of replies with one event each 10 ms: the delay of an event, with one stream and with 64."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from .clients import ask_many, in_turn
from .figures import Limit, Row, percentile
from .ours import STREAMS
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .clients import Clients
    from .sample import Sample

__all__ = ["measure_many", "measure_paced"]

PACED = Script(100, interval=10, stamped=True)
LARGEST_PACED_RATIO = 1.02
LARGEST_MANY_RATIO = 1.5
#: Percentile: by how many milliseconds an event may be later than with a plain client.
LATER_MS = {50: 3.0, 99: 10.0}

Lateness = dict[str, list[float]]


async def measure_paced(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return rows for one stream at a time: the time of the whole reply, and the delay of its events."""
    rounds = 2 if quick else 7
    say(f"{clients.protocol}: 100 events, one each 10 ms, {rounds} rounds")
    heard = await in_turn(clients.everyone, PACED, rounds)

    samples = {who: [sample.seconds * 1000 for sample in heard[who]] for who in heard}
    lateness = {who: _lateness(heard[who]) for who in heard}
    row = Row("100 events, one each 10 ms", clients.protocol, samples, detail={"lateness_ms": lateness})
    rows = [row.limited(Limit(row.ratio(), LARGEST_PACED_RATIO, "x"))]
    rows += [_delay_row(clients.protocol, lateness, percent) for percent in LATER_MS]
    return rows


async def measure_many(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return rows for 64 concurrent streams. Only HTTP/2: over HTTP/1.1, a browser opens at most six connections."""
    if not clients.address.is_http2:
        return []
    rounds = 1 if quick else 5
    say(f"{clients.protocol}: {STREAMS} streams at once, {rounds} rounds")
    samples: dict[str, list[float]] = {client.name: [] for client in clients.both}
    lateness: Lateness = {client.name: [] for client in clients.both}

    for turn in range(rounds + 1):
        for client in clients.both:
            seconds, heard = await ask_many(client, PACED, STREAMS)
            if turn > 0:
                samples[client.name].append(seconds * 1000)
                lateness[client.name] += _lateness(heard)

    open_pages = await clients.ours.count_pages()
    shares = {who: _shares(values) for who, values in lateness.items()}
    detail: dict[str, Any] = {"lateness_shares_ms": shares, "pages": open_pages}
    row = Row(f"{STREAMS} streams at once", clients.protocol, samples, detail=detail)
    pages = Limit(open_pages, 1, "")
    return [
        row.limited(Limit(row.ratio(), LARGEST_MANY_RATIO, "x")),
        Row(f"pages after {STREAMS} streams", clients.protocol, {"ours": [pages.value]}, "", (pages,)),
        Row(
            "… delay of an event, median",
            clients.protocol,
            {who: [median(lateness[who])] for who in lateness},
        ),
    ]


def _lateness(heard: Sequence[Sample]) -> list[float]:
    """Return the delays of all events of these replies in milliseconds."""
    return [
        round(late * 1000, 3) for sample in heard for late in PACED.lateness(sample.text, sample.arrivals)
    ]


def _delay_row(protocol: str, lateness: Lateness, percent: int) -> Row:
    name = "median" if percent == 50 else f"{percent} %"
    at = {who: percentile(values, percent) for who, values in lateness.items()}
    limit = Limit(at["ours"] - at["plain"], LATER_MS[percent], " ms")
    samples = {who: [value] for who, value in at.items()}
    return Row(f"… delay of an event, {name}", protocol, samples, limits=(limit,))


def _shares(values: list[float]) -> list[float]:
    """Return the percentiles from 1 to 99, enough for a plot of thousands of values."""
    return [round(percentile(values, percent), 3) for percent in range(1, 100)]
