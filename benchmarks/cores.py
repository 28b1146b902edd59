"""A separate core for the server while it sends at full speed, to separate the client's cost from the machine's scheduling.

A real site does not share its cores with its clients, but the benchmark's server does if the machine has few cores. Each chunk
that it sends wakes a process that may preempt the server, so that the measured time includes the kernel's scheduling. Measured
on two cores with 10,000 deltas over HTTP/1.1: the server is preempted 979 times by a browser, 6 times by aiohttp.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .server import Address

__all__ = ["can_part", "server_apart"]


def can_part() -> bool:
    """Return whether the machine has more than one core and supports CPU affinity."""
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


@contextmanager
def server_apart(address: Address) -> Iterator[None]:
    """Pin the server to one core, and this process with its other descendants to the rest, while the block runs."""
    if not can_part():
        yield
        return

    everywhere = os.sched_getaffinity(0)
    alone = {min(everywhere)}
    _place(address, alone, everywhere - alone)
    try:
        yield
    finally:
        _place(address, everywhere, everywhere)


def _place(address: Address, server: set[int], others: set[int]) -> None:
    here = psutil.Process()
    for process in (here, *here.children(recursive=True)):
        cores = server if process.pid == address.pid else others
        with suppress(FileNotFoundError, ProcessLookupError):  # the process, or one of its threads, has ended
            for thread in Path(f"/proc/{process.pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)
