"""Draw the sequence diagrams of docs/explanation/architecture.md as SVG files in docs/assets/.

Run it after a change of the message path: ``python scripts/draw_sequences.py``. A test checks that the files are current.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NamedTuple

ASSETS = Path(__file__).parents[1] / "docs" / "assets"

#: In pixels.
_COLUMN, _ROW, _TOP, _BOX = 178, 40, 62, 150

_STYLE = """
    .sequence { --ink: #1f2937; --line: #9ca3af; --box: #f3f4f6; --back: #0f766e; }
    @media (prefers-color-scheme: dark) {
      .sequence { --ink: #e5e7eb; --line: #6b7280; --box: #2b3038; --back: #5eead4; }
    }
    .sequence text { font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    .sequence text { fill: var(--ink); text-anchor: middle; }
    .sequence .head { font-weight: 600; }
    .sequence .box { fill: var(--box); stroke: var(--line); }
    .sequence .life { stroke: var(--line); stroke-dasharray: 2 5; }
    .sequence .call, .sequence .return { stroke: var(--ink); stroke-width: 1.5; fill: none; }
    .sequence .return { stroke: var(--back); stroke-dasharray: 6 4; }
    .sequence .tip-call { fill: var(--ink); } .sequence .tip-return { fill: var(--back); }
"""


class Step(NamedTuple):
    """One arrow: ``source`` and ``target`` are names of participants."""

    source: str
    target: str
    text: str
    #: "call", or "return" for data that flows back to the caller.
    kind: str = "call"


class Diagram(NamedTuple):
    """A sequence diagram: participants from left to right, steps from top to bottom."""

    title: str
    participants: tuple[str, ...]
    steps: tuple[Step, ...]


FETCH = Diagram(
    "A message by in-page fetch",
    ("client", "MessageSender", "FetchTransport", "FetchPage", "isolated world", "site"),
    (
        Step("client", "MessageSender", "send(message)"),
        Step("MessageSender", "MessageSender", "wait for slot and permit"),
        Step("MessageSender", "FetchTransport", "send(OutgoingMessage)"),
        Step("FetchTransport", "FetchPage", "open(request)"),
        Step("FetchPage", "isolated world", "page.js: open"),
        Step("isolated world", "site", "POST /conversation"),
        Step("site", "isolated world", "events (SSE)", "return"),
        Step("isolated world", "FetchPage", "reduced events", "return"),
        Step("FetchPage", "client", "ResponseStream: frames", "return"),
        Step("client", "client", "ReplyReader: text, ids"),
    ),
)

SITE_PAGE = Diagram(
    "A message by the site's own page",
    ("client", "MessageSender", "SitePagePool", "SitePage", "Observer", "site"),
    (
        Step("client", "MessageSender", "send(message)"),
        Step("MessageSender", "MessageSender", "wait for slot and permit"),
        Step("MessageSender", "SitePagePool", "send(OutgoingMessage)"),
        Step("SitePagePool", "SitePage", "idle page, or a new one"),
        Step("SitePage", "SitePage", "Composer: write, click Send"),
        Step("SitePage", "site", "the page's own POST"),
        Step("site", "Observer", "DevTools network events", "return"),
        Step("Observer", "SitePage", "delivery confirmed", "return"),
        Step("Observer", "client", "ResponseStream: frames", "return"),
        Step("client", "client", "ReplyReader: text, ids"),
    ),
)

DIAGRAMS = {"sequence-fetch.svg": FETCH, "sequence-site-page.svg": SITE_PAGE}


def draw(diagram: Diagram) -> str:
    """Return the diagram as an SVG document."""
    columns = {name: _COLUMN // 2 + _COLUMN * index for index, name in enumerate(diagram.participants)}
    width, height = _COLUMN * len(columns), _TOP + _ROW * (len(diagram.steps) + 1)
    parts = [
        f'<svg class="sequence" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(diagram.title)}">',
        f"  <title>{escape(diagram.title)}</title>\n  <style>{_STYLE}  </style>",
    ]
    for name, x in columns.items():
        parts.append(f'  <line class="life" x1="{x}" y1="42" x2="{x}" y2="{height - 8}"/>')
        parts.append(f'  <rect class="box" x="{x - _BOX // 2}" y="10" width="{_BOX}" height="32" rx="6"/>')
        parts.append(f'  <text class="head" x="{x}" y="31">{escape(name)}</text>')
    for row, step in enumerate(diagram.steps, 1):
        parts += _arrow(step, columns[step.source], columns[step.target], _TOP + _ROW * row)
    return "\n".join([*parts, "</svg>", ""])


def _arrow(step: Step, start: int, end: int, y: int) -> list[str]:
    text = escape(step.text)
    if start == end:
        loop = f"M{start} {y - 10} h26 v14 h-20"
        return [
            f'  <path class="{step.kind}" d="{loop}"/>',
            f'  <polygon class="tip-{step.kind}" points="{start},{y + 4} {start + 8},{y} {start + 8},{y + 8}"/>',
            f'  <text x="{start + 32}" y="{y + 2}" style="text-anchor: start">{text}</text>',
        ]
    back = 8 if start < end else -8
    tip = f"{end},{y} {end - back},{y - 4} {end - back},{y + 4}"
    return [
        f'  <line class="{step.kind}" x1="{start}" y1="{y}" x2="{end - back}" y2="{y}"/>',
        f'  <polygon class="tip-{step.kind}" points="{tip}"/>',
        f'  <text x="{(start + end) // 2}" y="{y - 6}">{text}</text>',
    ]


def main() -> None:
    """Write all diagrams."""
    for name, diagram in DIAGRAMS.items():
        (ASSETS / name).write_text(draw(diagram), encoding="utf-8")


if __name__ == "__main__":
    main()
