"""The terminal's settings: no echo while output is drawn, and the original settings at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored_terminal_settings() -> Iterator[None]:
    """Restore the terminal's settings at the end of the block.

    Playwright's driver is a separate process. When it exits, it resets the terminal to the settings from its own start, although
    this program may have changed them since, for example to read single keys.
    """
    before = _read_settings()
    try:
        yield
    finally:
        _apply_settings(before)


@contextmanager
def echo_disabled() -> Iterator[None]:
    """Disable the echo of typed keys, which would appear in the middle of the output.

    Ctrl-C still works. Keys typed meanwhile stay in the input buffer for the next read.
    """
    with restored_terminal_settings():
        settings = _read_settings()
        if settings is not None:
            import termios

            settings[3] &= ~termios.ECHO
            _apply_settings(settings)
        yield


def _read_settings() -> list[Any] | None:
    """Return the settings of the terminal on standard input, or None if it is not ours to change."""
    if not _is_foreground():
        return None

    import termios

    return termios.tcgetattr(sys.stdin.fileno())


def _apply_settings(settings: list[Any] | None) -> None:
    if settings is not None and _is_foreground():
        import termios

        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, settings)


def _is_foreground() -> bool:
    """Return whether standard input is a terminal and we are its foreground job.

    The kernel stops a background job that changes the terminal's settings.
    """
    if sys.platform == "win32" or sys.stdin is None:
        return False

    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
