"""`markdown=False`: what sets blocks apart, and that nothing breaks it. The marks themselves are in test_rooms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser._protocol.plain_text import to_plain_text


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("Intro:\n\n- a\n- b\n\nOutro.", "Intro:\n\na\nb\n\nOutro."),
        ("Intro:\n\n1. a\n2. b", "Intro:\n\na\nb"),
        ("Intro:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nOutro.", "Intro:\n\na\tb\n1\t2\n\nOutro."),
        ("- a\n\n- b", "a\n\nb"),
        ("# One\n## Two\ntext", "One\n\nTwo\n\ntext"),
    ],
    ids=["list", "numbers", "table", "loose list", "headings"],
)
def test_a_list_or_a_table_is_a_block_of_its_own(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


@given(st.text())
def test_any_text_can_be_read(markdown: str) -> None:
    assert isinstance(to_plain_text(markdown), str)


@given(st.lists(st.text("abcdefgh éß世😀", min_size=1).map(str.strip).filter(bool), min_size=1))
def test_plain_words_stay_as_they_are(paragraphs: list[str]) -> None:
    assert to_plain_text("\n\n".join(paragraphs)) == "\n\n".join(paragraphs)
