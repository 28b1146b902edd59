"""What goes wrong in a long run: the fake site's faults by name, the browser's processes killed, tokens that run out."""

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

__all__ = ["Troublemaker"]

#: They need a server of another name.
_LEFT_OUT = {"redirect-other-name"}
KILLS = ("renderer", "browser", "driver")


class Troublemaker:
    """Draws a fault, lets it strike, waits, draws again. ``struck`` counts them by name."""

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
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(*self._pause))
            name = self._chance.choice(self._names)
            self.struck[name] += await self._strike(name)

    async def _strike(self, name: str) -> int:
        """How many requests, or processes, it has struck."""
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
            self._server.strike_challenge(None)  # somebody has passed it
        return struck


def _kill(kind: str) -> int:
    return sum(_kill_if(process, kind) for process in psutil.Process().children(recursive=True))


def _kill_if(process: psutil.Process, kind: str) -> bool:
    try:
        if kind_of(process) == kind:
            process.send_signal(signal.SIGKILL)
            return True
    except psutil.Error:
        pass  # it has ended by itself meanwhile
    return False
