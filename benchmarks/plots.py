"""Two plots: the time over the number of events, and the distribution of the delays."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .figures import Row

__all__ = ["plot_delay", "plot_time"]

COLOURS = {"plain": "#6b7280", "ours": "#0f766e", "npm": "#d97706"}
LABELS = {"plain": "plain HTTP client", "ours": "chatgpt_browser", "npm": "npm chatgpt 2.0.7"}
#: Axis label for each format of events, with the keys in `Row.detail` that count the events, each with a suffix for the legend.
FORMS = {
    "events, each with the whole text so far": {"events": ""},
    "deltas, each with what it adds": {"deltas": "", "deltas_apart": ", the server apart"},
}
STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e5e7eb",
    "font.size": 10,
    "legend.frameon": False,
    "figure.dpi": 120,
}


def plot_time(rows: Sequence[Row], caption: str, path: Path) -> bool:
    """Plot time against the number of events with logarithmic axes: a column for each protocol, a row for each format of events.

    Return False if there are no rows to plot.
    """
    forms = {name: lines for name, lines in FORMS.items() if any(lines.keys() & row.detail for row in rows)}
    shown = [row for row in rows if any(lines.keys() & row.detail for lines in forms.values())]
    protocols = list(dict.fromkeys(row.protocol for row in shown))
    if not protocols:
        return False

    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(forms),
            len(protocols),
            figsize=(5.2 * len(protocols), 4.2 * len(forms)),
            sharey="row",
            squeeze=False,
        )
        for line, form in zip(axes, forms, strict=True):
            for axis, protocol in zip(line, protocols, strict=True):
                _draw_times(axis, [row for row in shown if row.protocol == protocol], forms[form])
                axis.set_title(f"{protocol}: a reply in a burst")
                axis.set_xlabel(form)
            line[0].set_ylabel("time of the whole reply (median, and all samples)")
        _finish(figure, caption, path)
    return True


def _draw_times(axis: Axes, rows: Sequence[Row], lines: dict[str, str]) -> None:
    for (line, remark), style in zip(lines.items(), ("o-", "s--"), strict=False):
        for who, colour in COLOURS.items():
            shown = [row for row in rows if who in row.samples and line in row.detail]
            events = [row.detail[line] for row in shown]
            medians = [median(row.samples[who]) for row in shown]
            if shown:
                axis.plot(
                    events, medians, style, color=colour, label=LABELS[who] + remark, markersize=4, zorder=3
                )
            for row in shown:
                values = row.samples[who]
                axis.plot(
                    [row.detail[line]] * len(values), values, "_", color=colour, alpha=0.35, markersize=7
                )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.yaxis.set_major_formatter(FuncFormatter(_duration))
    axis.legend(loc="upper left", fontsize=9)


def _duration(milliseconds: float, _position: int) -> str:
    return f"{milliseconds:g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"


def plot_delay(rows: Sequence[Row], caption: str, path: Path) -> bool:
    """Plot the distribution of delays, one plot for each row with delays. Return False if there are none."""
    shown = [row for row in rows if "lateness_ms" in row.detail or "lateness_shares_ms" in row.detail]
    if not shown:
        return False

    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(shown), figsize=(4.6 * len(shown), 4.2), sharey=True, squeeze=False
        )
        for axis, row in zip(axes[0], shown, strict=True):
            _draw_delays(axis, row)
            axis.set_title(f"{row.protocol}: {row.name}", fontsize=10)
            axis.set_xlabel("from when an event is due to its callback (ms)")
        axes[0][0].set_ylabel("share of events")
        axes[0][0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        _finish(figure, caption, path)
    return True


def _draw_delays(axis: Axes, row: Row) -> None:
    delays = row.detail.get("lateness_ms") or row.detail["lateness_shares_ms"]
    for who, values in delays.items():
        ordered = sorted(values)
        shares = [(index + 1) / len(ordered) for index in range(len(ordered))]
        label = f"{LABELS[who]}: {median(ordered):.1f} ms"
        axis.step(ordered, shares, where="post", color=COLOURS[who], label=label, linewidth=1.8)
        axis.axvline(median(ordered), color=COLOURS[who], linewidth=0.8, linestyle=":")
    axis.set_xlim(
        left=0, right=1.15 * max(sorted(values)[int(0.99 * len(values)) - 1] for values in delays.values())
    )
    axis.set_ylim(0, 1.02)
    axis.legend(loc="lower right", title="median", fontsize=9)


def _finish(figure: Figure, caption: str, path: Path) -> None:
    figure.text(0.01, 0.01, caption, fontsize=7, color="#6b7280")
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
