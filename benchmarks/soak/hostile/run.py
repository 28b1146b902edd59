"""The run of the hostile soak test: rounds of random attacks until the time is over, then the outcome.

The test fails if a call or a command hangs, raises an error that is not the package's, writes a control sequence of the site's, a
secret or a file outside of its folder, if the event loop stalls, or if the memory grows. The attacks depend on the seed; how they
interleave with the client's requests does not, so a seed repeats the attacks, but not always the outcome.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.table import Table

from ..gauges import PARTS, Gauges
from ..ledger import Ledger
from .calls import Calls
from .commands import Commands
from .site import HostileSite
from .texts import Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

__all__ = ["HostileRun"]

#: Calls on one client, before another one is created.
_CALLS_OF_A_CLIENT = 12
_SHARE_OF_COMMANDS = 0.3
#: Seconds for which no callback of the event loop may run. Machines with other work on them need more than an idle one.
_LONGEST_STALL = 6.0
#: Megabytes. A response of 32 MB has some 130 MB as text with 4 bytes for each character, and several times as much as objects.
_MOST_MEMORY = 1500
_MOST_GROWTH = 150


class HostileRun:
    """One run of the hostile soak test."""

    def __init__(self, seconds: float, seed: int, console: Console) -> None:
        self._seconds = seconds
        self._seed = seed
        self._console = console
        self._gauges = Gauges()
        self._outcomes: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._peak = {"own": 0.0, "command": 0.0}

    def go(self) -> None:
        """Run until the time is over."""
        self._console.print(f"hostile soak test: {self._seconds / 60:g} minutes, seed {self._seed}")
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            asyncio.run(self._go(Path(folder)))
        self._check_memory()

    async def _go(self, folder: Path) -> None:
        chance = random.Random(self._seed)
        values = Values(chance)
        began = time.monotonic()
        watch = LoopWatch(asyncio.get_running_loop())
        while time.monotonic() < began + self._seconds:
            site = HostileSite(values, chance.choice(("api", "app")))
            with site.server:
                await self._use(site, values, folder, began)
            await asyncio.to_thread(self._nothing_is_left)
        watch.stop()
        if watch.longest > _LONGEST_STALL:
            self.complaints.append(f"the event loop stalled for {watch.longest:.1f} s: {watch.where}")
        if watch.where:
            self._console.print(f"a stall: {watch.where}", markup=False)
        self._outcomes["longest stall in ms"] = round(watch.longest * 1000)

    async def _use(self, site: HostileSite, values: Values, folder: Path, began: float) -> None:
        """Make the calls of one client, and run commands between them."""
        ways = ("fetch", "auto") if site.form == "api" else ("auto", "page", "page")
        calls = Calls(site, values, values.chance.choice(ways))
        commands = Commands(site, values, folder)
        for _ in range(_CALLS_OF_A_CLIENT):
            if time.monotonic() > began + self._seconds:
                break
            character = site.new_round()
            site.add_conversations()
            is_command = values.chance.random() < _SHARE_OF_COMMANDS
            started = time.monotonic()
            outcome = await (asyncio.to_thread(commands.step) if is_command else calls.step())
            self._note(character, outcome, time.monotonic() - started, calls.complaints + commands.complaints)
            calls.complaints.clear()
            commands.complaints.clear()
            self._peak["command"] = max(self._peak["command"], commands.peak_megabytes)
            await asyncio.to_thread(self._measure, time.monotonic() - began)
        site.server._site.injections.all.clear()
        await calls.close()
        self._note("", "close", 0, calls.complaints)

    def _note(self, character: str, outcome: str, seconds: float, complaints: list[str]) -> None:
        self._outcomes[outcome.rpartition(": ")[2]] += 1
        if seconds > 20:
            self._console.print(f"{seconds:.0f} s: {outcome} [{character}]", markup=False)
        for complaint in complaints:
            self.complaints.append(f"{complaint} [{character}]")
            self._console.print(
                self.complaints[-1].encode("ascii", "backslashreplace").decode(), markup=False, style="red"
            )

    def _measure(self, seconds: float) -> None:
        self._gauges.read(seconds, Ledger())
        self._peak["own"] = max(self._peak["own"], self._gauges.readings[-1].megabytes["own"])

    def _nothing_is_left(self) -> None:
        _, alive = psutil.wait_procs(psutil.Process().children(recursive=True), 15)
        self.complaints += [f"still running: {process}" for process in alive]
        for process in alive:
            process.kill()

    def _check_memory(self) -> None:
        self.complaints += [
            f"{part}: {peak:.0f} MB at the most" for part, peak in self._peak.items() if peak > _MOST_MEMORY
        ]
        if (growth := self._gauges.growth("own")) > _MOST_GROWTH:
            self.complaints.append(f"the memory of the client's process grew by {growth:.0f} MB")

    def show(self) -> None:
        """Print the outcomes, the memory and the complaints."""
        table = Table("outcome", "", title=f"{self._seconds / 60:g} minutes, seed {self._seed}")
        for outcome, count in self._outcomes.most_common():
            table.add_row(outcome, f"{count:,}")
        for part, peak in self._peak.items():
            table.add_row(f"memory, {part}: peak", f"{peak:.0f} MB")
        for part in PARTS:
            table.add_row(f"memory, {part}: last quarter over second", f"{self._gauges.growth(part):+.1f} MB")
        self._console.print(table)
        self._console.print(f"{len(self.complaints)} complaints")


class LoopWatch:
    """Measures the longest time for which an event loop ran no other callback, from a thread, every 50 ms."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        #: The longest stall so far, in seconds.
        self.longest = 0.0
        #: The stack of the loop's thread during a stall of more than a second. The fake server's thread may cause a stall too.
        self.where = ""
        self._loop_thread = threading.get_ident()
        self._call_soon: Callable[..., object] = loop.call_soon_threadsafe
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop measuring."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(0.05):  # polls, because a stalled loop cannot report its stall
            ran, started = threading.Event(), time.monotonic()
            self._call_soon(ran.set)
            while not ran.wait(1) and not self._stopped.is_set():
                stack = traceback.extract_stack(sys._current_frames().get(self._loop_thread))
                self.where = " ".join(
                    f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in stack[-6:]
                )
            self.longest = max(self.longest, time.monotonic() - started)
