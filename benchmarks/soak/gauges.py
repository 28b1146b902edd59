"""Resources of a client over time: memory and file handles of its process, the driver, the browser and the renderer."""

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
    """One measurement: seconds since the start, megabytes and open files by part, threads, processes, and messages so far."""

    seconds: float
    megabytes: dict[str, float]
    handles: dict[str, int]
    threads: int
    processes: int
    replies: int
    errors: int


class Gauges:
    """The series of measurements. Our process also contains the fake server, which is cleared after each measurement."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []

    def read(self, seconds: float, ledger: Ledger) -> None:
        """Measure once. Blocks for some milliseconds."""
        megabytes, handles, processes = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0), 0
        own = psutil.Process()
        for process in [own, *own.children(recursive=True)]:
            with suppress(psutil.Error):  # the process has ended
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
        """Return the growth in megabytes: the median of the last quarter minus the median of the second quarter."""
        held = [reading.megabytes[part] for reading in self.readings if reading.megabytes[part]]
        quarter = max(1, len(held) // 4)
        return _median(held[-quarter:]) - _median(held[quarter : 2 * quarter] or held[:1])

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(reading) for reading in self.readings]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
