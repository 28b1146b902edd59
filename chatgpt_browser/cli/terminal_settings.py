"""Changes the settings of the terminal: disables the echo during output, and restores the original settings after that."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored_terminal_settings() -> Iterator[None]:
    """After the block, restore the settings that the terminal had before the block.

    Playwright's driver is a separate process. When the driver exits, it restores the settings that the terminal had when the
    driver started. But this program may have changed the settings since then, for example to read single keys.
    """
    before = _read_settings()
    try:
        yield
    finally:
        _apply_settings(before)


@contextmanager
def echo_disabled() -> Iterator[None]:
    """Disable the terminal's echo in the block, so that typed keys do not appear in the middle of the output.

    Ctrl-C still works. Keys that are typed in the block stay in the terminal's input buffer for the next read.
    """
    with restored_terminal_settings():
        settings = _read_settings()
        if settings is not None:
            import termios

            settings[3] &= ~termios.ECHO
            _apply_settings(settings)
        yield


def _read_settings() -> list[Any] | None:
    """Return the settings of the terminal on standard input, or None if this process must not change these settings."""
    if not _is_foreground():
        return None

    import termios

    return termios.tcgetattr(sys.stdin.fileno())


def _apply_settings(settings: list[Any] | None) -> None:
    if settings is not None and _is_foreground():
        import termios

        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, settings)


def _is_foreground() -> bool:
    """Return whether standard input is a terminal and this process belongs to that terminal's foreground job.

    If a background job changes the terminal's settings, the kernel stops the job.
    """
    if sys.platform == "win32" or sys.stdin is None:
        return False

    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
