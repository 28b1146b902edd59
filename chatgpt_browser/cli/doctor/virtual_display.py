"""A virtual display for the window of `doctor --live` on a machine without a display."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..environment import has_display

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The arguments of Xvfb. With them, Xvfb writes the number of the display to standard output, and accepts no TCP connections.
_COMMAND = ("-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp")


@contextmanager
def display_for_window() -> Iterator[str]:
    """Yield the name of a display. If there is no display, start the virtual display Xvfb for the duration of the block.

    While Xvfb runs, the variable DISPLAY is set. If Xvfb is not installed or does not start, yield an empty string.
    """
    if has_display():
        yield os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "desktop"
        return
    program = shutil.which("Xvfb")
    if program is None:
        yield ""
        return
    with subprocess.Popen(
        (program, *_COMMAND), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            number = server.stdout.readline().strip()  # The number is empty if Xvfb has ended.
            if number:
                os.environ["DISPLAY"] = f":{number}"
            yield f"Xvfb :{number}" if number else ""
        finally:
            os.environ.pop("DISPLAY", None)
            server.terminate()
