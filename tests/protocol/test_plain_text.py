"""Tests of converting Markdown to plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser._protocol.growing_plain_text import GrowingPlainText
from chatgpt_browser._protocol.plain_text import to_plain_text
from tests.support.markdown_samples import LONG_CODE, LONG_ITEM, LONG_LIST, LONG_TABLE, SAMPLE
from tests.support.random_markdown import RandomMarkdown, random_markdown

#: Pieces of Markdown that are joined at random, so that blocks begin and end in unusual places.
FRAGMENTS = [
    "word ", "*", "**", "`", "\n", "\n\n", "- ", "1. ", "2) ", "# ", "> ", "```\n", "```py x\n", "---\n", "    ", "  ", "|a|b|\n",
    "|-|-|\n", "$$", "\\[", "\\]", "$", "<br>", "<T>", "<div>", "</div>", "===\n", "[a]: b\n", "[x](y)", "\r\n", "\r", "\t", "~~",
    "x", "+ ", "<details>\n", "\\", "&amp;", "世", "|",
]  # fmt: skip
any_markdown = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join),
    random_markdown().map(lambda random: random.text),
    st.sampled_from([SAMPLE, LONG_CODE, LONG_LIST, LONG_TABLE, LONG_ITEM]),
)


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


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("mix flour<br>add water", "mix flour\nadd water"),
        ("one <br/> two<BR >three", "one\ntwo\nthree"),
        ("git clone <url> first", "git clone <url> first"),
        ("cp <source> <target>, SELECT * FROM <table>", "cp <source> <target>, SELECT * FROM <table>"),
        ("List<T>, Map<String, List<A>>, vector<b>", "List<T>, Map<String, List<A>>, vector<b>"),
        ("std::vector<std::string> v", "std::vector<std::string> v"),
        ("a < b > c, 1<2 and 3>2", "a < b > c, 1<2 and 3>2"),
        ("<ann@site.example>, <https://site.example/a_b_c>", "ann@site.example, https://site.example/a_b_c"),
        ("<T>\ntext\n</T>", "<T>\ntext\n</T>"),
        ("<details><summary>More</summary>\n\n**Hidden**\n\n</details>", "More\n\nHidden"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("H<sub>2</sub>O and 10<sup>6</sup>", "H2O and 10^6"),
        ('<a href="https://site.example">here</a> <img alt="a cat" src="c.png">', "here a cat"),
        ("&lt;url&gt; &amp; &copy;", "<url> & ©"),
        ("a <!-- note --> b", "a <!-- note --> b"),
    ],
)
def test_to_plain_text_removes_html_and_keeps_other_angle_brackets(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


@pytest.mark.parametrize(
    "formula",
    [
        r"\(E = mc^2\)", r"\[a_1 * b * c_1\]", "$a*b*c$", "$$p_q_r$$", r"\\(E\\)", "\\[\na\n- b\n= c\n\\]", "$$\na \\\\\n# b\n$$",
        "costs $5 and $6", "US$5-$6",
    ],
)  # fmt: skip
def test_to_plain_text_keeps_formulas(formula: str) -> None:
    assert to_plain_text(formula) == formula
    indented = formula.replace("\n", "\n  ")
    assert to_plain_text(f"- x\n- {indented}").split() == ["x", *formula.split()]


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("~~old~~ new", "old new"),
        ("\\\\server\\share", "\\\\server\\share"),
        ("- [ ] to do\n- [x] done", "[ ] to do\n[x] done"),
        ("text[^1]\n\n[^1]: note", "text[^1]\n\n[^1]: note"),
        ("[a][1]\n\n[1]: https://site.example", "[a][1]\n\n[1]: https://site.example"),
        ("| a | b |\n|---|---|\n| 1 | 2 | 3 |\n| 4<br>5 |", "a\tb\n1\t2\t3\n4 5\t"),
        ("```python app.py\nx\n```", "app.py\nx"),
        ('```py title="a b" {.c}\nx\n```', "x"),
        ("- a\n- b\n\n- c\n  - d\n\n    e", "a\nb\n\nc\nd\n\ne"),
        ("2*3*4 and 5**2**3", "2*3*4 and 5**2**3"),
        ("这是**重点**内容", "这是重点内容"),
        ("[](https://site.example) ![](a.png)", "https://site.example a.png"),
        ("> " * 30 + "deep", "> " * 20 + "deep"),
        ("one  \ntwo\\\nthree", "one\ntwo\nthree"),
        ("One\n===\n\nTwo\n---", "One\n\nTwo"),
    ],
)
def test_to_plain_text_keeps_words_of_extensions(markdown: str, plain: str) -> None:
    assert to_plain_text(markdown) == plain


@given(random_markdown())
def test_to_plain_text_keeps_every_word_in_order(random: RandomMarkdown) -> None:
    assert missing_word(to_plain_text(random.text), random.words) is None


def missing_word(text: str, words: list[str]) -> str | None:
    """Return the first word that does not follow the words before it; None if all words are in the text, in order."""
    position = 0
    for word in words:
        position = text.find(word, position)
        if position < 0:
            return word
        position += len(word)
    return None


@given(any_markdown, st.lists(st.integers(0, 1000), max_size=30))
def test_growing_plain_text_for_every_cut_equals_the_whole_conversion(text: str, cuts: list[int]) -> None:
    growing, pieces = GrowingPlainText(), ""
    for end in [*sorted(min(cut, len(text)) for cut in cuts), len(text)]:
        finished = growing.finished(text[:end])
        assert finished.startswith(pieces)
        pieces = finished
        if end % 3 == 0:
            assert growing.whole(text[:end]) == to_plain_text(text[:end])

    assert growing.whole(text) == to_plain_text(text)
    assert growing.whole(text).startswith(pieces)


def test_growing_plain_text_of_rewritten_text_is_converted_anew() -> None:
    growing = GrowingPlainText()
    growing.finished("**One** paragraph.\n\n" * 20)
    assert growing.whole("*Other*\n\nwords") == "Other\n\nwords"


@pytest.mark.parametrize("size", [1, 5, 64])
def test_growing_plain_text_progress_ends_with_the_whole_text(size: int) -> None:
    growing = GrowingPlainText()
    ends = range(1, len(SAMPLE) + 1)
    shown = {growing.progress(SAMPLE[:end], more_waits=bool(end % size)) for end in ends}
    assert growing.progress(SAMPLE, more_waits=False) == to_plain_text(SAMPLE)
    assert len(shown) > 5
