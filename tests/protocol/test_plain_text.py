"""Tests of converting Markdown to plain text."""

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
def test_to_plain_text_separates_blocks_with_empty_line(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


@given(st.text())
def test_to_plain_text_accepts_any_text(markdown: str) -> None:
    assert isinstance(to_plain_text(markdown), str)


@given(st.lists(st.text("abcdefgh éß世😀", min_size=1).map(str.strip).filter(bool), min_size=1))
def test_to_plain_text_keeps_plain_paragraphs(paragraphs: list[str]) -> None:
    assert to_plain_text("\n\n".join(paragraphs)) == "\n\n".join(paragraphs)


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("", ""),
        ("plain", "plain"),
        ("# Title\n\nA *b* **c** `d` [e](https://f) ![g](h)", "Title\n\nA b c d e g"),
        ("one\ntwo", "one\ntwo"),
        ("- a\n- b\n  - c", "a\nb\nc"),
        ("1. a\n\n   b", "a\n\nb"),
        ("```python\nx = 1 * 2\n```", "x = 1 * 2"),
        ("    x * y", "x * y"),
        ("> said", "said"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("<b>bold</b>", "bold"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a\tb\n1\t2"),
        (r"\*no\*", "*no*"),
    ],
)
def test_to_plain_text_removes_markdown_syntax(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain
