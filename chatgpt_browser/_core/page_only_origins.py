"""Stores, in memory and in the data folder, the origins of sites that accept messages only from their own page."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from .data_folder import create_data_folder, default_data_folder
from .files import write_private
from .log import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE_NAME = "page_only_origins.json"
#: An origin is stored for this many seconds. After this time, ``send_via="auto"`` tries a fetch request again.
_TTL = 7 * 24 * 3600.0


class PageOnlyOrigins:
    """A thread-safe set of origins. Each origin is stored with the time at which it refused a message from a fetch request.

    :param folder: a function that returns the data folder. If ``folder`` is None, no file is read or written.
    :param clock: a function that returns the time in seconds since the epoch.
    """

    def __init__(
        self, folder: Callable[[], Path] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._refused_at: dict[str, float] = {}

    def __contains__(self, origin: str) -> bool:
        """Return whether the origin refused a message in the last seven days."""
        refused_at = self._refused_at.get(origin)
        return refused_at is not None and self._is_recent(refused_at)

    def load(self) -> None:
        """Read the saved origins and add them to this set. A file that is missing, damaged or unreadable is ignored."""
        with self._lock:
            self._merge_file()

    def remember(self, *origins: str) -> None:
        """Add origins to this set, and save the set. If the file cannot be written, no error is raised."""
        with self._lock:
            self._refused_at |= dict.fromkeys(origins, self._clock())
            self._merge_file()
            if self._folder is None:
                return
            recent = {origin: at for origin, at in self._refused_at.items() if self._is_recent(at)}
            try:
                folder = self._folder()
                create_data_folder(folder)
                write_private(folder / FILE_NAME, json.dumps(recent).encode())
            except (OSError, RuntimeError) as exc:
                logger.debug("the origins that need their own page were not saved: %s", exc)

    def _merge_file(self) -> None:
        """Read the saved origins. Add each origin that refused a message in the last seven days to this set."""
        if self._folder is None:
            return
        try:
            saved = json.loads((self._folder() / FILE_NAME).read_bytes())
            times = {str(origin): float(at) for origin, at in saved.items()}
        except FileNotFoundError:
            return
        except (OSError, RuntimeError, ValueError, TypeError, AttributeError, RecursionError) as exc:
            logger.debug("the saved origins that need their own page were ignored: %s", exc)
            return
        for origin, at in times.items():
            if self._is_recent(at):
                self._refused_at[origin] = max(at, self._refused_at.get(origin, at))

    def _is_recent(self, refused_at: float) -> bool:
        return 0 <= self._clock() - refused_at < _TTL


#: The set of page-only origins that all clients of this process share.
PAGE_ONLY_ORIGINS = PageOnlyOrigins(default_data_folder)
