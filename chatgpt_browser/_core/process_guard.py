"""Detection of a fork: what one process has started does not work in a process that was forked from it."""

from __future__ import annotations

import os

from .errors import ForkedProcessError


class ProcessGuard:
    """Stores the process that uses an object first. A forked process has the object, but not its threads and connections."""

    def __init__(self) -> None:
        self._pid: int | None = None

    @property
    def is_forked(self) -> bool:
        """True if another process has used the object before, and this process is a fork of it."""
        return self._pid not in (None, os.getpid())

    def check(self) -> None:
        """Record this process as the user of the object.

        :raises ForkedProcessError: this process is a fork of the user.
        """
        if self._pid is None:
            self._pid = os.getpid()
        elif self.is_forked:
            raise ForkedProcessError
