"""Conversion of terminal output into an animated SVG. Its text can be searched, and it contains no script.

Each different row is drawn once. A frame is a column of references to rows. The frames are placed side by side, and a CSS
animation moves them into view. If the reader's system asks for reduced motion, the SVG shows only the last frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import pyte

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyte.screens import Char

CELL, LINE, SIZE = 8.4, 19, 14  # pixels: a character's width, a row's height, the font's size
EDGE, BAR = 14, 32
#: Duration of the last frame before the animation restarts, and minimum duration of a frame, in seconds.
LINGER, SHORTEST = 5.0, 0.1

PAPER, INK, DIM = "#15191f", "#d7dce2", "#8b949e"
COLOURS = {
    "black": "#484f58",
    "red": "#ff7b72",
    "green": "#56d364",
    "brown": "#e3b341",
    "yellow": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#56d4dd",
    "white": "#d7dce2",
}


@dataclass(frozen=True)
class Run:
    """Adjacent characters of a row with the same style."""

    column: int
    text: str
    colour: str
    bold: bool
    italics: bool


Row = tuple[Run, ...]


@dataclass(frozen=True)
class Frame:
    """Content of the screen from the time ``at`` on, in seconds since the start."""

    at: float
    rows: tuple[Row, ...]


def frames_of(output: Iterable[tuple[float, str]], columns: int, lines: int) -> list[Frame]:
    """Feed pieces of output, each with its time, to a terminal and return its frames, without frames too short to see."""
    screen = pyte.Screen(columns, lines)
    stream = pyte.Stream(screen)
    frames: list[Frame] = []
    for at, piece in output:
        stream.feed(piece)
        frame = Frame(at, rows_of(screen))
        if frames and (at - frames[-1].at < SHORTEST or frames[-1].rows == frame.rows):
            frame = Frame(frames.pop().at, frame.rows)
        frames.append(frame)

    return frames


def rows_of(screen: pyte.Screen) -> tuple[Row, ...]:
    return tuple(_row([screen.buffer[y][x] for x in range(screen.columns)]) for y in range(screen.lines))


def _row(cells: Sequence[Char]) -> Row:
    runs = []
    column = 0
    for (colour, bold, italics), group in groupby(
        cells, key=lambda cell: (_colour(cell), cell.bold, cell.italics)
    ):
        text = "".join(cell.data for cell in group)
        if text.strip():
            runs.append(Run(column, text.rstrip(), colour, bold, italics))
        column += len(text)

    return tuple(runs)


def _colour(cell: Char) -> str:
    if cell.fg == "default":
        return INK
    if len(cell.fg) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in cell.fg):
        return f"#{cell.fg}"
    return COLOURS.get(cell.fg.removeprefix("bright"), INK)


def to_svg(frames: Sequence[Frame], columns: int, lines: int, title: str) -> str:
    """Return the frames as an SVG document."""
    width, height = round(columns * CELL + 2 * EDGE), round(lines * LINE + BAR + EDGE)
    rows = {
        row: f"r{number}"
        for number, row in enumerate(dict.fromkeys(row for f in frames for row in f.rows if row))
    }
    length = frames[-1].at + LINGER
    moves = "".join(
        f"{100 * f.at / length:.2f}%{{transform:translateX({-n * width}px)}}" for n, f in enumerate(frames)
    )
    last = f"transform:translateX({-(len(frames) - 1) * width}px)"
    drawn = "\n".join(f'<g id="{name}">{"".join(map(_text, row))}</g>' for row, name in rows.items())
    film = "\n".join(
        "".join(
            f'<use href="#{rows[row]}" x="{n * width}" y="{y * LINE}"/>'
            for y, row in enumerate(frame.rows)
            if row
        )
        for n, frame in enumerate(frames)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label={quoteattr(title)}>
<title>{escape(title)}</title>
<style>
text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}}
.b{{font-weight:700}}.i{{font-style:italic}}
.film{{animation:play {length:.2f}s step-end infinite}}
@keyframes play{{{moves}100%{{{last}}}}}
@media (prefers-reduced-motion:reduce){{.film{{animation:none;{last}}}}}
</style>
<defs>
<clipPath id="screen"><rect width="{width}" height="{height - BAR}"/></clipPath>
{drawn}
</defs>
<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>
<circle cx="18" cy="16" r="5" fill="{COLOURS["red"]}"/><circle cx="36" cy="16" r="5" fill="{COLOURS["yellow"]}"/>
<circle cx="54" cy="16" r="5" fill="{COLOURS["green"]}"/>
<text x="{width / 2}" y="21" fill="{DIM}" text-anchor="middle">{escape(title)}</text>
<g transform="translate(0 {BAR})" clip-path="url(#screen)"><g class="film">
{film}
</g></g>
</svg>
"""


def _text(run: Run) -> str:
    kind = " ".join(name for name, wanted in (("b", run.bold), ("i", run.italics)) if wanted)
    marks = f' class="{kind}"' if kind else ""
    # The text length keeps the columns aligned in every font.
    return (
        f'<text x="{EDGE + run.column * CELL:.1f}" y="{SIZE + 1}" fill="{run.colour}"{marks}'
        f' textLength="{len(run.text) * CELL:.1f}" lengthAdjust="spacingAndGlyphs">{escape(run.text)}</text>'
    )
