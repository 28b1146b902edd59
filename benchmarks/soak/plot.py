"""Plot of a soak test: memory, file handles, replies and errors over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plots import STYLE, plt
from .gauges import PARTS

if TYPE_CHECKING:
    from pathlib import Path

    from .gauges import Gauges

__all__ = ["plot_soak"]

COLOURS = {"own": "#0f766e", "driver": "#d97706", "browser": "#6b7280", "renderer": "#7c3aed"}


def plot_soak(gauges: Gauges, caption: str, path: Path) -> None:
    """Plot the measurements and write the picture."""
    readings = gauges.readings
    minutes = [reading.seconds / 60 for reading in readings]
    with plt.rc_context(STYLE):
        figure, (memory, handles, messages) = plt.subplots(3, 1, figsize=(9, 9), sharex=True)
        for part in PARTS:
            memory.plot(minutes, [r.megabytes[part] for r in readings], label=part, color=COLOURS[part])
            handles.plot(minutes, [r.handles[part] for r in readings], label=part, color=COLOURS[part])
        memory.set_title("memory of its own (USS), MB")
        memory.set_ylim(0, 1.2 * max(max(r.megabytes.values()) for r in readings))
        memory.legend(ncols=4, loc="upper left")
        handles.set_title("open files")
        messages.plot(minutes, [r.replies for r in readings], label="replies", color=COLOURS["own"])
        messages.plot(minutes, [r.errors for r in readings], label="errors", color=COLOURS["driver"])
        messages.set_title("messages so far")
        messages.set_xlabel("minutes")
        messages.legend()
        figure.text(0.01, 0.005, caption, size=8, color="#6b7280")
        figure.tight_layout(rect=(0, 0.02, 1, 1))
        figure.savefig(path)
        plt.close(figure)
