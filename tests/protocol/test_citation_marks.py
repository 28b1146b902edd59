"""Tests of removing the site's citation marks from a text that grows."""

from __future__ import annotations

import pytest

from chatgpt_browser._protocol.citation_marks import CitationMarkFilter


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("Four.\ue200cite\ue202turn0search1\ue202turn0search2\ue201 Yes.", "Four. Yes."),
        ('In \ue200entity\ue202["city","Paris","capital"]\ue201.', "In Paris."),
        ("\ue200entity\ue202no json\ue201", "no json"),
        ("See \ue200url\ue202the page\ue202turn0\ue201.", "See the page."),
        ("\ue203It is so.\ue204\ue206", "It is so."),
        ("a\ue200cite\ue202b", "aciteb"),
        ("nothing", "nothing"),
    ],
)
def test_citation_mark_filter_hides_marks_at_every_cut(marked: str, plain: str) -> None:
    for cut in range(len(marked) + 1):
        marks = CitationMarkFilter()
        shown = [marks.visible(marked[:cut]), marks.visible(marked), marks.visible(marked, at_end=True)]
        assert shown[-1] == plain
        assert all(plain.startswith(text) for text in shown)
