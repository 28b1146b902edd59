"""Command line of the soak test: `python -m benchmarks.soak` runs the load, prints the outcome, and writes JSON and a plot.

Each message is unique. The callers record what they sent and received, the server what it accepted. If these records do not
match, the soak test fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT

from ..results import FOLDER
from .faults import FaultInjector
from .gauges import PARTS, Gauges
from .hostile.run import HostileRun
from .ledger import Ledger
from .load import Caller, answer_to, reply_to
from .plot import plot_soak

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLERS = 4
PATIENCE = 60.0
READINGS = 120
PAUSE = (0.2, 2.0)
OPTIONS: dict[str, Any] = {
    "max_concurrent_messages": CALLERS,
    "first_byte_timeout": 1500,
    "idle_timeout": 1500,
    "challenge_timeout": 3000,
    "access_token_ttl": 5000,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak test. Return 1 if there are complaints, such as a lost, duplicated or wrong message; otherwise 0."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument(
        "--seed", type=int, help="the same seed repeats the same load and faults (1; hostile: random)"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the folder of soak.json and soak.png")
    parser.add_argument("--hostile", action="store_true", help="attack the client at random instead")
    given = parser.parse_args(arguments)
    logging.getLogger("chatgpt_browser").setLevel(logging.ERROR)
    console = Console(highlight=False)
    if given.hostile:
        hostile = HostileRun(given.minutes * 60, given.seed or random.randrange(1, 1 << 31), console)
        hostile.go()
        hostile.show()
        return 1 if hostile.complaints else 0

    run = Run(given.minutes * 60, given.seed or 1)
    asyncio.run(run.go())
    complaints = run.ledger.complaints() + run.complaints
    run.show(console, complaints)
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "soak.json").write_text(json.dumps(run.as_json(), indent=1) + "\n")
    caption = f"{given.minutes:g} minutes, seed {run.seed}, {CALLERS} callers on one client"
    plot_soak(run.gauges, caption, given.folder / "soak.png")
    return 1 if complaints else 0


class Run:
    """One run of the soak test."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.seconds = seconds
        self.seed = seed
        self.ledger = Ledger()
        self.gauges = Gauges()
        self.struck: dict[str, int] = {}
        self.complaints: list[str] = []

    async def go(self) -> None:
        chance = random.Random(self.seed)
        with FakeChatGPT(
            reply=reply_to(self.ledger), rotate_session_token=True, challenge="passes"
        ) as server:
            where = {
                "api_base_url": server.api_base_url,
                "backend_api_base_url": server.backend_api_base_url,
            }
            async with AsyncChatGPTAPI(server.session_token, **where, **OPTIONS) as api:
                await self._load(api, server, chance)
                await self._still_works(api)
        await self._nothing_is_left()
        self.complaints += [f"the server: {error!r}" for error in server.errors]

    async def _load(self, api: AsyncChatGPTAPI, server: FakeChatGPT, chance: random.Random) -> None:
        troubles = FaultInjector(server, random.Random(chance.random()), PAUSE)
        ends_at = time.monotonic() + self.seconds
        callers = [Caller(f"c{n}", api, self.ledger, random.Random(chance.random())) for n in range(CALLERS)]
        loads = [asyncio.create_task(_until(ends_at, caller)) for caller in callers]
        others = [asyncio.create_task(troubles.run()), asyncio.create_task(self._watch(server))]
        _, late = await asyncio.wait(loads, timeout=self.seconds + PATIENCE)
        for task in [*others, *late]:
            task.cancel()
        ended = await asyncio.gather(*others, *loads, return_exceptions=True)
        self.complaints += [f"{len(late)} callers got no more replies"] if late else []
        self.complaints += [repr(end) for end in ended if isinstance(end, Exception)]
        self.struck = dict(sorted(troubles.struck.items()))
        server._site.injections.all.clear()
        server.strike_challenge(None)

    async def _watch(self, server: FakeChatGPT) -> None:
        began = time.monotonic()
        while True:
            await asyncio.to_thread(self.gauges.read, time.monotonic() - began, self.ledger)
            _clear(server)
            await asyncio.sleep(max(0.5, self.seconds / READINGS))

    async def _still_works(self, api: AsyncChatGPTAPI) -> None:
        """Check that the client works. The last fault may still break one message, but not all of the next ones."""
        for number in range(3):
            with suppress(Exception):
                if await api.send_message(f"after {number}") == answer_to(f"after {number}"):
                    return
        self.complaints.append("the client does not work after the last fault")

    async def _nothing_is_left(self) -> None:
        children = psutil.Process().children(recursive=True)
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
        self.complaints += [f"still running: {process}" for process in alive]

    # ---- the outcome

    def show(self, console: Console, complaints: list[str]) -> None:
        ledger = self.ledger
        table = Table("messages", "", title=f"{self.seconds / 60:g} minutes, seed {self.seed}")
        table.add_row("sent", f"{len(ledger.begun):,}")
        table.add_row("replies", f"{ledger.replies:,}")
        table.add_row("left early by their caller", f"{ledger.left:,}")
        for kind, count in ledger.errors.most_common():
            table.add_row(kind, f"{count:,}")
        table.add_row("lost", str(len(ledger.lost)))
        table.add_row("doubled", str(len(ledger.doubled)))
        table.add_row("faults", f"{sum(self.struck.values()):,} of {len(self.struck)} kinds")
        for part in PARTS:
            table.add_row(f"memory, {part}: last quarter over second", f"{self.gauges.growth(part):+.1f} MB")
        console.print(table)
        for complaint in complaints:
            console.print(f"[bold red]{complaint}[/]")

    def as_json(self) -> dict[str, Any]:
        ledger = self.ledger
        return {
            "seconds": self.seconds,
            "seed": self.seed,
            "sent": len(ledger.begun),
            "replies": ledger.replies,
            "left": ledger.left,
            "errors": dict(ledger.errors.most_common()),
            "complaints": ledger.complaints() + self.complaints,
            "faults": self.struck,
            "growth_megabytes": {part: round(self.gauges.growth(part), 1) for part in PARTS},
            "readings": self.gauges.as_json(),
        }


async def _until(ends_at: float, caller: Caller) -> None:
    while time.monotonic() < ends_at:
        await caller.step()


def _clear(server: FakeChatGPT) -> None:
    """Delete the server's records, which are in the measured process but do not belong to the client."""
    site = server._site
    site.requests._records.clear()
    with site.lock:
        for conversation in [*site.conversations][:-200]:
            del site.conversations[conversation]
    site.injections.all[:] = [each for each in site.injections.all if each.left != 0]


if __name__ == "__main__":
    sys.exit(main())
