"""Detects that an object is used in a forked process, where the object's threads and connections do not work."""

from __future__ import annotations

import os

from .errors import ForkedProcessError


class ProcessGuard:
    """Stores the id of the process that first uses an object.

    A forked process has a copy of the object. The threads and connections of this copy do not work. The guard detects that a
    forked process uses such a copy.
    """

    def __init__(self) -> None:
        self._pid: int | None = None

    @property
    def is_forked(self) -> bool:
        """True if this process is a fork of the process that first used the object."""
        return self._pid not in (None, os.getpid())

    def check(self) -> None:
        """Check that this process is the first process that uses the object. The first call stores the id of the process.

        :raises ForkedProcessError: this process is a fork of the process that first used the object.
        """
        pid = os.getpid()
        if self._pid is None:
            self._pid = pid
        elif self._pid != pid:
            raise ForkedProcessError
