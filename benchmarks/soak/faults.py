"""Faults of a soak test: the named faults of the fake site, killed browser processes, and expired tokens."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING

import psutil

from chatgpt_browser.testing.faults.catalogue import FAULTS

from ..processes import kind_of

if TYPE_CHECKING:
    import random

    from chatgpt_browser.testing import FakeChatGPT

__all__ = ["FaultInjector"]

#: These faults need a server with another host name.
_LEFT_OUT = {"redirect-other-name"}
KILLS = ("renderer", "browser", "driver")


class FaultInjector:
    """Injects random faults, with pauses. ``struck`` counts them by name."""

    def __init__(self, server: FakeChatGPT, chance: random.Random, pause: tuple[float, float]) -> None:
        self._server = server
        self._chance = chance
        self._pause = pause
        self.struck: Counter[str] = Counter()
        self._names = sorted(FAULTS.keys() - _LEFT_OUT) + [
            "tokens-expire",
            *(f"kill-{kind}" for kind in KILLS),
        ]

    async def run(self) -> None:
        """Inject faults until cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(*self._pause))
            name = self._chance.choice(self._names)
            self.struck[name] += await self._strike(name)

    async def _strike(self, name: str) -> int:
        """Inject one fault and return how many requests or processes it affected."""
        struck = 1
        if name == "tokens-expire":
            self._server.expire_access_tokens()
        elif name.startswith("kill-"):
            struck = await asyncio.to_thread(_kill, name.removeprefix("kill-"))
        else:
            with self._server.inject(name) as injection:
                await asyncio.sleep(self._chance.uniform(*self._pause))
            struck = len(injection.struck)
        if name == "challenge-person":
            self._server.strike_challenge(None)  # as if a person had solved the challenge
        return struck


def _kill(kind: str) -> int:
    return sum(_kill_if(process, kind) for process in psutil.Process().children(recursive=True))


def _kill_if(process: psutil.Process, kind: str) -> bool:
    try:
        if kind_of(process) == kind:
            process.send_signal(signal.SIGKILL)
            return True
    except psutil.Error:
        pass  # the process has already ended
    return False
