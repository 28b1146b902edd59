"""Handles the signals that end a command."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: The name of the signal that reports that the terminal was closed. Windows does not define it.
_HANG_UP = "SIGHUP"


@contextmanager
def handling_signals(
    handler: Callable[[int, FrameType | None], object], *names: str
) -> Iterator[Callable[[], None]]:
    """In the block, call ``handler`` at the signals with these names. Yield a function that restores the previous handlers.

    Signals that the platform does not define are left out. A SIGHUP that is ignored stays ignored, so that `nohup` works.
    Only the main thread may call this function.
    """
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    hang_up = getattr(signal, _HANG_UP, None)
    if before.get(hang_up) is signal.SIG_IGN:
        del before[hang_up]

    def restore() -> None:
        for number, previous in before.items():
            signal.signal(number, previous)

    for number in before:
        signal.signal(number, handler)
    try:
        yield restore
    finally:
        restore()
