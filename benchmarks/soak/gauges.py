"""What a client holds, over time: memory and handles of its own process, of the driver, the browser and the renderer."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psutil

from ..processes import MEGABYTE, kind_of

if TYPE_CHECKING:
    from .ledger import Ledger

__all__ = ["PARTS", "Gauges"]

PARTS = ("own", "driver", "browser", "renderer")


@dataclass
class Reading:
    """One look: seconds since the start; megabytes and open files by part; own threads; processes; the books so far."""

    seconds: float
    megabytes: dict[str, float]
    handles: dict[str, int]
    threads: int
    processes: int
    replies: int
    errors: int


class Gauges:
    """Looks again and again. Our own process holds the fake server too, which is cleared at each look."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []

    def read(self, seconds: float, ledger: Ledger) -> None:
        """Look once; blocks for some milliseconds."""
        megabytes, handles, processes = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0), 0
        own = psutil.Process()
        for process in [own, *own.children(recursive=True)]:
            with suppress(psutil.Error):  # it has ended meanwhile
                part = "own" if process == own else kind_of(process)
                if part in PARTS:
                    megabytes[part] += process.memory_full_info().uss / MEGABYTE
                    handles[part] += process.num_fds()
                processes += 1
        self.readings.append(
            Reading(
                round(seconds, 1),
                {part: round(value, 1) for part, value in megabytes.items()},
                handles,
                threading.active_count(),
                processes,
                ledger.replies,
                ledger.errors.total(),
            )
        )

    def growth(self, part: str) -> float:
        """Megabytes that the median of the last quarter is over that of the second."""
        held = [reading.megabytes[part] for reading in self.readings if reading.megabytes[part]]
        quarter = max(1, len(held) // 4)
        return _median(held[-quarter:]) - _median(held[quarter : 2 * quarter] or held[:1])

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(reading) for reading in self.readings]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
