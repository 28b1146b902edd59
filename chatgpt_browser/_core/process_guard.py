"""Detects a fork. Threads and connections that were started before a fork do not work in the forked process."""

from __future__ import annotations

import os

from .errors import ForkedProcessError


class ProcessGuard:
    """Stores the id of the process that first uses an object.

    A forked process gets a copy of the object, but the object's threads and connections do not work there.
    """

    def __init__(self) -> None:
        self._pid: int | None = None

    @property
    def is_forked(self) -> bool:
        """True if this process is a fork of the process that first used the object."""
        return self._pid not in (None, os.getpid())

    def check(self) -> None:
        """Check that this process is not a fork. The first call records the id of the process.

        :raises ForkedProcessError: this process is a fork of the process that first used the object.
        """
        pid = os.getpid()
        if self._pid is None:
            self._pid = pid
        elif self._pid != pid:
            raise ForkedProcessError
