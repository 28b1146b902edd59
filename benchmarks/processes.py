"""Descendant processes of this one: the running browser, and the memory of each kind of process."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil

from .script import BenchmarkError

__all__ = ["browser_executable", "held_by", "held_here", "held_in_all", "kind_of"]

MEGABYTE = 1 << 20


def browser_executable() -> str:
    """Return the path of the browser's program, without wrapper scripts.

    :raises BenchmarkError: no browser is running.
    """
    for process in psutil.Process().children(recursive=True):
        if kind_of(process) == "browser":
            return process.exe()
    raise BenchmarkError("no browser is running under this process")


def held_here() -> float:
    """Return the megabytes of this process after a garbage collection."""
    gc.collect()
    return _megabytes(psutil.Process())


def held_by(kind: str) -> float:
    """Return the megabytes of all descendants of one kind: `renderer`, `browser` or `driver`."""
    return sum(
        _megabytes(child) for child in psutil.Process().children(recursive=True) if kind_of(child) == kind
    )


def held_in_all() -> dict[str, float]:
    """Return the megabytes of this process (`own`) and of its descendants, by their kind."""
    held = {"own": held_here()}
    for child in psutil.Process().children(recursive=True):
        kind = kind_of(child)
        held[kind] = held.get(kind, 0) + _megabytes(child)
    return held


def _megabytes(process: psutil.Process) -> float:
    """Return the unique memory (USS), which ends with the process. RSS also counts memory shared by Chromium's processes."""
    return float(process.memory_full_info().uss / MEGABYTE)


def kind_of(process: psutil.Process) -> str:
    """Return `browser`, `renderer`, `driver`, another process type of Chromium, or `other`."""
    try:
        program, words = Path(process.exe()).name, process.cmdline()
    except psutil.Error:  # the process has ended
        return "other"
    if "node" in program:
        return "driver"
    if "chrom" not in program or "crashpad" in program:  # a wrapper script runs as a shell
        return "other"
    types = [word.partition("=")[2] for word in words if word.startswith("--type=")]
    return types[0] if types else "browser"
