"""Processes that tests have started, and whether they are gone."""

from __future__ import annotations

import os

import psutil


def marked(variable: str, mark: str) -> list[psutil.Process]:
    """Give the processes, other than this one, whose environment holds the mark.

    A process that has lost its parent is nobody's child, but still carries what it inherited.
    """
    others = (process for process in psutil.process_iter(["name", "cmdline"]) if process.pid != os.getpid())
    return [process for process in others if _variable(process, variable) == mark]


def still_running(processes: list[psutil.Process], timeout: float = 20) -> list[psutil.Process]:
    """Give those that have not ended within so many seconds; one that only waits to be reaped has."""
    _, alive = psutil.wait_procs(processes, timeout=timeout)
    return [process for process in alive if _status(process) not in (None, psutil.STATUS_ZOMBIE)]


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except psutil.Error:  # gone meanwhile, or somebody else's
        return None


def _status(process: psutil.Process) -> str | None:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return None
