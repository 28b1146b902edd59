"""Processes that tests have started: find them by an environment variable, and wait for their end."""

from __future__ import annotations

import os

import psutil


def marked(variable: str, mark: str) -> list[psutil.Process]:
    """Return the processes, other than this one, in whose environment the variable has this value.

    This also finds orphans, because a process inherits the environment of its parent.
    """
    others = (process for process in psutil.process_iter(["name", "cmdline"]) if process.pid != os.getpid())
    return [process for process in others if _variable(process, variable) == mark]


def still_running(processes: list[psutil.Process], timeout: float = 20) -> list[psutil.Process]:
    """Return the processes that have not ended within the timeout in seconds. Zombies count as ended."""
    _, alive = psutil.wait_procs(processes, timeout=timeout)
    return [process for process in alive if _status(process) not in (None, psutil.STATUS_ZOMBIE)]


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except psutil.Error:  # the process has ended, or belongs to another user
        return None


def _status(process: psutil.Process) -> str | None:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return None
