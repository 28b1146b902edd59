"""A processor for the server alone, while it sends as fast as it can: to see what a figure owes to the machine.

A site does not share its processors with its visitors. On a machine of few cores the benchmark's server does, and each piece that
it sends wakes up a process which may take it off its core: then the kernel's scheduling is a part of what is timed. Measured on
two cores, 10,000 deltas over HTTP/1.1: the server is taken off 979 times with a browser as its client, 6 times with aiohttp.
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
    """Whether the machine has a core to spare, and lets one say who runs where."""
    return hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1


@contextmanager
def server_apart(address: Address) -> Iterator[None]:
    """Keep the server on one core, and this process with all others under it on the rest, for as long as the block runs."""
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
        with suppress(
            FileNotFoundError, ProcessLookupError
        ):  # it, or one of its threads, has ended meanwhile
            for thread in Path(f"/proc/{process.pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)
