"""Benchmark of the memory of a client after thousands of messages, in a new process."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from .clients import ask
from .figures import Limit, Row
from .ours import Ours
from .processes import held_by, held_here
from .script import BenchmarkError, Script
from .server import Address

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clients import Clients

__all__ = ["measure_memory"]

MESSAGES, WARM = 5000, 500
QUICK_MESSAGES, QUICK_WARM = 200, 100
MOST_GROWTH = 5.0
SCRIPT = Script(5)
PARTS = ("own", "renderer", "driver", "browser")
NAMES = {
    "own": "its own process",
    "renderer": "the renderer",
    "driver": "Playwright's driver",
    "browser": "the browser",
}

Series = dict[str, list[float]]


async def measure_memory(clients: Clients, *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """Return a row for each process. Driver and browser are for information. Only HTTP/1.1: the protocol does not matter here."""
    if clients.address.is_http2:
        return []
    messages, warm = (QUICK_MESSAGES, QUICK_WARM) if quick else (MESSAGES, WARM)
    say(f"{clients.protocol}: memory over {messages:,} messages on one client")
    # USS excludes pages of Chromium's files that another browser also maps: close the other browser first.
    await clients.ours.api.close()
    series = await _in_new_process(clients.address, messages, warm)
    pages = Limit(series.pop("pages")[0], 1, "")

    rows = [_row(clients.protocol, part, series[part], messages) for part in PARTS]
    name = f"pages after {messages:,} messages"
    return [*rows, Row(name, clients.protocol, {"ours": [pages.value]}, "", (pages,))]


def _row(protocol: str, part: str, held: list[float], messages: int) -> Row:
    growth = (held[-1] / held[0] - 1) * 100
    limits = (Limit(growth, MOST_GROWTH, " %"),) if part in ("own", "renderer") else ()
    name = f"memory of {NAMES[part]} after {messages:,} messages"
    detail = {"megabytes": [round(value, 2) for value in held], "growth_percent": round(growth, 2)}
    return Row(name, protocol, {"ours": [held[-1]]}, "MB", limits, detail)


async def _in_new_process(address: Address, messages: int, warm: int) -> Series:
    arguments = [json.dumps(asdict(address)), str(messages), str(warm)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise BenchmarkError(f"{__name__} failed with exit status {process.returncode}")
    series: Series = json.loads(said)
    return series


async def main(address: Address, messages: int, step: int) -> None:
    """Send all messages, measure the memory after each `step` messages and print the series as JSON."""
    series: Series = {part: [] for part in PARTS}
    async with Ours(address) as ours:
        for number in range(1, messages + 1):
            await ask(ours, SCRIPT)
            if number % step == 0:
                await ours.collect_garbage()
                series["own"].append(held_here())
                for part in PARTS[1:]:
                    series[part].append(held_by(part))
        series["pages"] = [await ours.count_pages()]
    sys.stdout.write(json.dumps(series))


if __name__ == "__main__":
    asyncio.run(main(Address.from_json(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
