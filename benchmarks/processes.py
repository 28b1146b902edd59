"""What there is to know of the processes under this one: which browser runs, and how much memory each part holds."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil

from .script import BenchmarkError

__all__ = ["browser_executable", "held_by", "held_here", "kind_of"]

MEGABYTE = 1 << 20


def browser_executable() -> str:
    """The program that our browser runs as, wrappers left out.

    :raises BenchmarkError: none is running.
    """
    for process in psutil.Process().children(recursive=True):
        if kind_of(process) == "browser":
            return process.exe()
    raise BenchmarkError("no browser is running under this process")


def held_here() -> float:
    """Megabytes of this process alone, after a garbage collection."""
    gc.collect()
    return _megabytes(psutil.Process())


def held_by(kind: str) -> float:
    """Megabytes of the processes under this one that are of this kind: `renderer`, `browser` or `driver`."""
    return sum(
        _megabytes(child) for child in psutil.Process().children(recursive=True) if kind_of(child) == kind
    )


def _megabytes(process: psutil.Process) -> float:
    """Unique memory: what would be free if the process ended. RSS also counts what Chromium's processes share."""
    return float(process.memory_full_info().uss / MEGABYTE)


def kind_of(process: psutil.Process) -> str:
    """`browser`, `renderer`, `driver`, another of Chromium's own types, or `other`."""
    try:
        program, words = Path(process.exe()).name, process.cmdline()
    except psutil.Error:  # it has ended meanwhile
        return "other"
    if "node" in program:
        return "driver"
    if "chrom" not in program or "crashpad" in program:  # a wrapper in the shell's language is a shell
        return "other"
    types = [word.partition("=")[2] for word in words if word.startswith("--type=")]
    return types[0] if types else "browser"
