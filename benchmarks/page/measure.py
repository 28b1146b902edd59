"""The measurement of both clients in turn, on a server whose messages come from its own page only."""

from __future__ import annotations

import gc
from contextlib import AsyncExitStack
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

from chatgpt_browser._browser.sandbox import sandbox_refusal

from ..clients import ask
from ..figures import Limit, Row
from ..first_reply.measure import alternate
from ..ours import Ours
from ..processes import browser_executable
from ..script import Script
from ..server import LONG, serving
from .bare import BarePage
from .memory import memory_of
from .ours import OursByPage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ..clients import Clients
    from ..server import Address
    from .timing import PageClient, Timing

__all__ = ["measure_page"]

LARGEST_RATIO, LARGEST_BURST_RATIO, LARGEST_AUTO_RATIO = 1.1, 1.5, 1.05
MOST_MEGABYTES = 30.0
SHORT, BURST = Script(5, encoding="delta"), Script(2000, encoding="delta")
PROGRAMS = {"plain": "benchmarks.page.bare", "ours": "benchmarks.first_reply.ours"}

T = TypeVar("T")
Timings = dict[str, list["Timing"]]


async def measure_page(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return the rows of the site's page. Memory and the start of a process do not depend on the protocol: only HTTP/1.1."""
    is_http2 = clients.address.is_http2
    if quick and is_http2:
        return []
    async with serving(http2=is_http2, app=True) as address:
        task = _task_of(address)
        async with BarePage(task) as bare, OursByPage(address) as ours:
            rows = await _measure_messages([bare, ours], address, 3 if quick else 15, say)
        if not is_http2:
            rows.append(await _measure_first_message(task, 1 if quick else 9, say))
            rows.append(await _measure_memory(task, 1 if quick else 3, say))
    return [*rows, await _measure_auto(clients.address, 20 if quick else 200, say)]


def _task_of(address: Address) -> dict[str, Any]:
    """Return the arguments of the script: the browser, the sandbox, the server and one message."""
    prefix = "__Secure-" if address.is_http2 else ""
    return {
        "origin": address.origin,
        "cookie": {
            "name": f"{prefix}next-auth.session-token",
            "value": address.session_token,
            "url": address.origin,
            "httpOnly": True,
            "secure": address.is_http2,
        },
        "session_token": address.session_token,
        "ignore_https_errors": address.is_http2,
        "executable": browser_executable(),
        "sandbox": sandbox_refusal() is None,
        "message": SHORT.to_message(),
        "send_via": "page",
        "address": asdict(address),
    }


# ---- Messages of clients whose page is open -----------------------------------------------------------------------------


async def _measure_messages(
    both: Sequence[PageClient], address: Address, rounds: int, say: Callable[[str], None]
) -> list[Row]:
    """Return the rows of new, open and long conversations, and of a reply at full speed."""

    async def measure(script: Script, ask: Callable[[PageClient], Awaitable[Timing]]) -> Timings:
        timings: Timings = {client.name: [] for client in both}
        for turn in range(rounds + 1):
            for client in _in_turn(both, turn):
                gc.collect()
                timing = await ask(client)
                script.check(client.name, timing.text, timing.updates or script.events)
                if turn > 0:
                    timings[client.name].append(timing)
        return timings

    def row(name: str, timings: Timings, time: str, at_most: float = LARGEST_RATIO) -> Row:
        samples = {who: [getattr(timing, time) for timing in timings[who]] for who in timings}
        found = Row(name, address.protocol, samples)
        return found.limited(Limit(found.ratio(), at_most, "x"))

    say(f"{address.protocol}: messages by the page, {rounds} rounds of each")
    message, long_ids = SHORT.to_message(), address.conversation_ids
    opened = await measure(SHORT, lambda client: client.ask(message, None))
    followed = await measure(SHORT, lambda client: client.follow_up(message))
    burst = await measure(BURST, lambda client: client.follow_up(BURST.to_message()))
    for client in both:
        await client.ask(message, long_ids[0])
    long = await measure(SHORT, lambda client: client.follow_up(message))
    return [
        row("by the page: new conversation, to the first word", opened, "to_first_word"),
        row("by the page: follow-up, to the first word", followed, "to_first_word"),
        row("… from the press to the first word", followed, "press_to_first_word"),
        row(f"… in a conversation of {LONG} messages", long, "to_first_word"),
        row("2,000 deltas in a burst by the page", burst, "press_to_end", LARGEST_BURST_RATIO),
    ]


def _in_turn(both: Sequence[T], turn: int) -> Sequence[T]:
    """Return both clients in the order of this round, which alternates."""
    return both if turn % 2 else both[::-1]


# ---- New processes -----------------------------------------------------------------------------------------------------


async def _measure_first_message(task: dict[str, Any], rounds: int, say: Callable[[str], None]) -> Row:
    say(f"{task['address']['protocol']}: first message by the page of a new process, {rounds} rounds")
    samples = await alternate(PROGRAMS, task, SHORT, rounds)
    row = Row("by the page: first message of a new process", task["address"]["protocol"], samples)
    return row.limited(Limit(row.ratio(), LARGEST_RATIO, "x"))


async def _measure_memory(task: dict[str, Any], rounds: int, say: Callable[[str], None]) -> Row:
    say(f"{task['address']['protocol']}: memory of one conversation by the page, {rounds} rounds")
    held: dict[str, list[dict[str, float]]] = {"plain": [], "ours": []}
    for _ in range(rounds):
        for who, found in held.items():
            found.append(await memory_of(who, task))
    samples = {who: [sum(parts.values()) for parts in found] for who, found in held.items()}
    detail = {
        f"{who}_{part}": round(median(parts.get(part, 0) for parts in found), 1)
        for who, found in held.items()
        for part in sorted(found[0])
    }
    row = Row(
        "by the page: memory of one conversation", task["address"]["protocol"], samples, "MB", (), detail
    )
    more = (row.median("ours") or 0) - (row.median("plain") or 0)
    return row.limited(Limit(more, MOST_MEGABYTES, " MB"))


# ---- Before a client sends through the page -----------------------------------------------------------------------------


async def _measure_auto(address: Address, rounds: int, say: Callable[[str], None]) -> Row:
    """Return the row of `send_via="auto"` beside "fetch", on a site that accepts messages by fetch."""
    say(f"{address.protocol}: send_via auto beside fetch, {rounds} rounds")
    async with AsyncExitStack() as stack:
        found = [Ours(address, send_via=via) for via in ("fetch", "auto")]
        for client, name in zip(found, ("plain", "ours"), strict=True):
            client.name = name
            await stack.enter_async_context(client)
        samples: dict[str, list[float]] = {client.name: [] for client in found}
        for turn in range(rounds + 1):
            for client in _in_turn(found, turn):
                gc.collect()
                sample = await ask(client, Script(1))
                if turn > 0:
                    samples[client.name].append(sample.seconds * 1000)
    row = Row('send_via="auto" beside "fetch"', address.protocol, samples)
    return row.limited(Limit(row.ratio(), LARGEST_AUTO_RATIO, "x"))
