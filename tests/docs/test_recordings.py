"""The terminal recordings of scripts/record.py: frames of a terminal, drawn as one animated SVG."""

from __future__ import annotations

from xml.etree import ElementTree

from scripts.terminal_svg import INK, Run, frames_of, to_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_frames_of_overwritten_text_shows_each_version() -> None:
    frames = frames_of(
        [(0.0, "\x1b[1;32mwait\x1b[0m…"), (1.0, "\r\x1b[Kdone & <well>\r\n")], columns=20, lines=2
    )
    assert [frame.at for frame in frames] == [0.0, 1.0]
    assert frames[0].rows[0] == (
        Run(0, "wait", "#56d364", bold=True, italics=False),
        Run(4, "…", INK, bold=False, italics=False),
    )
    assert frames[1].rows[0][0].text == "done & <well>"


def test_frames_of_short_or_empty_steps_are_merged() -> None:
    frames = frames_of([(0.0, "a"), (0.01, "b"), (1.0, ""), (2.0, "c")], columns=5, lines=1)
    assert [(frame.at, frame.rows[0][0].text) for frame in frames] == [(0.0, "ab"), (2.0, "abc")]


def test_svg_draws_each_row_once_and_moves_each_frame() -> None:
    frames = frames_of([(0.0, "same\r\n"), (1.0, "one"), (2.0, "\rtwo")], columns=10, lines=2)
    drawn = ElementTree.fromstring(to_svg(frames, 10, 2, 'a "title" & more'))
    ids = [group.get("id") for group in drawn.iter(f"{SVG}g") if group.get("id")]
    uses = [use.get("href") for use in drawn.iter(f"{SVG}use")]
    style = drawn.findtext(f"{SVG}style") or ""

    assert len(ids) == 3
    assert len(uses) == 5
    assert {f"#{name}" for name in ids} == set(uses)
    assert style.count("translateX(") == len(frames) + 2
