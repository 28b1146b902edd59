"""The keyboard: silent while nobody is asked anything, and in the end as it was found."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def keyboard_kept() -> Iterator[None]:
    """Leave the terminal as it was found.

    Playwright's driver is a process of its own which, when it ends, puts the terminal back to what it was when the driver
    began; and by then this program may have been reading keys one by one.
    """
    before = _attributes()
    try:
        yield
    finally:
        _set(before)


@contextmanager
def silent_keyboard() -> Iterator[None]:
    """Keep keys that are pressed meanwhile from the screen: they would stand in the middle of what is drawn there.

    Ctrl-C does what it does. What is typed is there for whoever reads the keyboard next.
    """
    with keyboard_kept():
        attributes = _attributes()
        if attributes is not None:
            import termios

            attributes[3] &= ~termios.ECHO
            _set(attributes)
        yield


def _attributes() -> list[Any] | None:
    """How the terminal on standard input is set, where there is one and it is ours."""
    if not _is_in_front():
        return None

    import termios

    return termios.tcgetattr(sys.stdin.fileno())


def _set(attributes: list[Any] | None) -> None:
    if attributes is not None and _is_in_front():
        import termios

        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, attributes)


def _is_in_front() -> bool:
    """Whether standard input is a terminal that is ours: the system stops a job in the background that changes it."""
    if sys.platform == "win32" or sys.stdin is None:
        return False

    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
