"""Random Markdown as ChatGPT writes it, together with the words that must not be lost."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from hypothesis import strategies as st

#: Ends of words, so that words of several scripts occur. Each word also has a number, so that no word contains another one.
_ENDINGS = ["", "é", "世", "😀", "می‌خواهم", "'s", "-x", "_y"]
#: Frames that stand around words: the part before them and the part after them.
_FRAMES = [
    ("", ""), ("**", "**"), ("*", "*"), ("***", "***"), ("`", "`"), ("~~", "~~"), ("[", "](https://site.example/a_b)"),
    ("![", "](https://site.example/i.png)"), ("<b>", "</b>"), ("<sub>", "</sub>"), ("<kbd>", "</kbd>"), ("<url ", ">"),
    ("Map<", ">"), ("a < ", " > c"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$"), ("$$", "$$"), ("<!-- ", " -->"),
    ('<a href="https://site.example">', "</a>"), ("&lt;", "&gt;"), ("\\*", "\\*"), ("\\\\", "\\\\"), ("<https://", ">"),
    ('<span style="x">', "</span>"), ("<", "@site.example>"), ("[^", "]"), ("cp <source> ", " <target>"), ("$5 ", " $6"),
    ("C:\\", "\\"), ("(", ")"), ("<", ""), ("*", ""), ("[", ""), ("`", ""), ("$", ""), ("\\(", ""), ("<b>", ""), ("~~", ""),
]  # fmt: skip
_JOINS = [" ", "  ", "\n", "<br>", "<br/>", "  \n", "\\\n", " & ", " <br> ", "</p><p>"]
_FENCES = ["", "python", "c++", "{.x}", 'py title="a"', "diff x=1", "🙂"]


class RandomMarkdown(NamedTuple):
    """A text and its words, in order. A terminal may show the words of a table in another order, in columns."""

    text: str
    words: list[str]
    has_table: bool


def _indented(text: str, first: str, others: str) -> str:
    head, *rest = text.split("\n")
    return "\n".join([first + head, *(others + line if line else line for line in rest)])


@st.composite
def random_markdown(draw: st.DrawFn) -> RandomMarkdown:
    """Return a text of random blocks, and its words in order."""
    numbers = itertools.count()
    words: list[str] = []

    def word() -> str:
        words.append(f"w{next(numbers):02d}{draw(st.sampled_from(_ENDINGS))}z")
        return words[-1]

    def phrase() -> str:
        before, after = draw(st.sampled_from(_FRAMES))
        return f"{before}{' '.join(word() for _ in range(draw(st.integers(1, 2))))}{after}"

    def line() -> str:
        return " ".join(phrase() for _ in range(draw(st.integers(1, 3))))

    def paragraph() -> str:
        return draw(st.sampled_from(_JOINS)).join(line() for _ in range(draw(st.integers(1, 3))))

    def code() -> str:
        mark, info = draw(st.sampled_from(["```", "~~~", "````"])), draw(st.sampled_from(_FENCES))
        if info and mark != "~~~" and draw(st.booleans()):
            info += " " + word()
        body = draw(st.sampled_from([" <T> ", "\n\n", "  # ", " \\( ", " ** "])).join(
            word() for _ in range(2)
        )
        return f"{mark}{info}\n{body}\n" + draw(st.sampled_from([mark, mark, ""]))

    def table() -> str:
        rows = [" | ".join(phrase().replace("\n", " ") for _ in range(2)), "--|:-:"]
        sizes = draw(st.lists(st.integers(1, 3), max_size=2))
        rows += [" | ".join(phrase() for _ in range(size)) for size in sizes]
        return "\n".join(f"| {row} |" for row in rows)

    def formula() -> str:
        opening, closing = draw(st.sampled_from([("$$", "$$"), ("\\[", "\\]"), ("\\[", "")]))
        return f"{opening}\n{word()} *\n- {word()} \\\\\n= {word()}\n{closing}".rstrip()

    def html() -> str:
        kind = draw(st.sampled_from(["details", "div", "p", "center", "table", "T", "thing"]))
        between = draw(st.sampled_from(["\n", "\n\n", ""]))
        return f"<{kind}>{between}<summary>{word()}</summary>{between}{word()}{between}</{kind}>"

    def heading() -> str:
        mark = draw(st.sampled_from(["# ", "### ", "===", "---"]))
        return mark + line() if mark.startswith("#") else f"{line()}\n{mark}"

    def items(depth: int) -> str:
        marks = draw(st.sampled_from(["- ", "* ", "1. ", "7) ", "- [ ] ", "- [x] "]))
        indent = " " * 3 if marks[0].isdigit() else "  "
        gap = draw(st.sampled_from(["\n", "\n\n"]))
        return gap.join(_indented(block(depth + 1), marks, indent) for _ in range(draw(st.integers(1, 3))))

    def quote(depth: int) -> str:
        return "\n".join(f"> {line}".rstrip() for line in block(depth + 1).split("\n"))

    def definition() -> str:
        return f"[{word()}]: {draw(st.sampled_from(['', '^']))}{word()}"

    def block(depth: int = 0) -> str:
        kinds = [paragraph, paragraph, code, formula, html, heading, definition, table]
        nested = [items, quote] if depth < 2 else []
        index = draw(st.integers(0, len(kinds) + len(nested) - 1))
        return kinds[index]() if index < len(kinds) else nested[index - len(kinds)](depth)

    text = "\n\n".join(block() for _ in range(draw(st.integers(1, 4))))
    return RandomMarkdown(text, words, "--|:-:" in text)
