"""Markdown on a terminal: a streamed text looks like one printed at once, and unchanged lines are not rewritten."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser.cli.output.markdown_blocks import blocks_of, settled_blocks
from chatgpt_browser.cli.output.markdown_renderer import LiveMarkdown, print_markdown
from tests.support.markdown_samples import LONG_CODE, LONG_ITEM, LONG_LIST, LONG_TABLE, SAMPLE
from tests.support.random_markdown import RandomMarkdown, random_markdown
from tests.support.terminal_screen import EmulatedTerminal, lines_printed_at_once

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXTS = [SAMPLE, LONG_CODE, LONG_LIST, LONG_TABLE, LONG_ITEM, "one line", "a\n\n\n\n", "", "\n\n", "- \n- \n"]


def lines_streamed(texts: Iterable[str]) -> list[str]:
    """Return the terminal's lines after each of these texts was shown, one after another."""
    terminal = EmulatedTerminal()
    live = LiveMarkdown(terminal.console)
    for text in texts:
        live._text = text
        live._draw()
        terminal.read()
    live._draw(whole=True)
    terminal.read()
    return terminal.lines


def prefixes(text: str, step: int) -> list[str]:
    return [text[:end] for end in range(0, len(text), step)] + [text]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_live_markdown_streamed_equals_printed_at_once(text: str) -> None:
    assert lines_streamed(prefixes(text, 29)) == lines_printed_at_once(text)


def test_live_markdown_every_prefix_equals_printed_at_once() -> None:
    """Stream character by character; at each line end, compare the screen with the prefix printed at once."""
    terminal = EmulatedTerminal(height=200)
    live = LiveMarkdown(terminal.console)
    for prefix in prefixes(SAMPLE[:250], 1):
        live._text = prefix
        live._draw()
        terminal.read()
        if prefix.endswith("\n"):
            assert terminal.lines == lines_printed_at_once(prefix)


def test_live_markdown_random_text_equals_printed_at_once() -> None:
    chance = random.Random(7)
    parts = [
        "word ",
        "*",
        "**",
        "`",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "# ",
        "> ",
        "```\n",
        "---\n",
        "    ",
        "|a|b|\n",
        "|-|-|\n",
    ]
    for _ in range(25):
        text = "".join(chance.choices(parts, k=25))
        assert lines_streamed(prefixes(text, 5)) == lines_printed_at_once(text), text


def test_live_markdown_writes_only_changed_lines() -> None:
    terminal = EmulatedTerminal()
    live = LiveMarkdown(terminal.console)
    live._text = "First.\n\nSecond and"
    live._draw()
    terminal.read()

    live._text += " more"
    live._draw()
    written = terminal.read()
    assert "First" not in written
    assert "Second and more" in written
    assert "\x1b[2J" not in written

    live._draw()
    assert terminal.read() == ""


def test_live_markdown_long_code_scrolls() -> None:
    terminal = EmulatedTerminal()
    live = LiveMarkdown(terminal.console)
    live._text = LONG_CODE[: LONG_CODE.index("line_30")]
    live._draw()
    terminal.read()
    assert any("line_0 = 0" in line for line in terminal.lines)
    assert any("line_29 = 29" in line for line in terminal.screen.display)


def test_live_markdown_replaced_text_is_drawn_anew() -> None:
    lines = lines_streamed(["One.\n\nTwo.\n\nThree", "Other.\n\nThings"])
    assert lines == ["One.", "", "Other.", "", "Things"]  # settled blocks stay


def test_live_markdown_narrower_terminal_counts_wrapped_rows() -> None:
    terminal = EmulatedTerminal()
    live = LiveMarkdown(terminal.console)
    live._text = "A paragraph of so many words that it takes one line of sixty."
    live._draw()
    terminal.read()
    terminal.console.width = 30
    live._text += " More."
    live._draw()
    assert terminal.read().startswith(f"\x1b[{2 + 1}A")


def test_print_markdown_strips_control_characters() -> None:
    terminal = EmulatedTerminal()
    print_markdown(terminal.console, "a\x1b]0;owned\x07b `c\x1b[2J`")
    assert not re.search(r"\x1b\]|\x1b\[2J|\x07", terminal.file.getvalue())


def test_print_markdown_shows_link_targets() -> None:
    assert "https://site.example/a" in " ".join(lines_printed_at_once("[click](https://site.example/a)"))


def test_live_markdown_thread_draws_newest_text() -> None:
    terminal = EmulatedTerminal()
    with LiveMarkdown(terminal.console) as live:
        for prefix in prefixes(SAMPLE, 5):
            live.show(prefix)

    terminal.read()
    assert terminal.lines == lines_printed_at_once(SAMPLE)


@pytest.mark.parametrize(
    ("markdown", "kinds", "apart"),
    [
        ("a\n\nb", ["paragraph_open"] * 2, [True, True]),
        ("- a\n- b\n\n- c", ["bullet_list_open"] * 3, [True, False, True]),
        ("1. a\n1. b", ["ordered_list_open"] * 2, [True, False]),
        ("```\ncode\n```", ["fence"], [True]),
        ("", [], []),
    ],
)
def test_blocks_of_splits_lists_into_items(markdown: str, kinds: list[str], apart: list[bool]) -> None:
    blocks = blocks_of(markdown)
    assert [block.tokens[0].type for block in blocks] == kinds
    assert [block.apart for block in blocks] == apart


def test_blocks_of_list_items_keep_their_numbers() -> None:
    assert [block.tokens[0].attrs["start"] for block in blocks_of("3. a\n3. b\n3. c")] == [3, 4, 5]


@pytest.mark.parametrize(
    ("markdown", "settled"),
    # An unfinished line of asterisks may become a rule or a paragraph, so the block before it is not settled yet.
    [
        ("a", 0),
        ("a\n***", 0),
        ("a\n***\n", 1),
        ("a\n\nb", 0),
        ("a\n\nb\n", 1),
        ("- a\n- b\n- c", 1),
        ("```\na\n\nb\n", 0),
    ],
)
def test_settled_blocks_counts_finished_blocks(markdown: str, settled: int) -> None:
    assert settled_blocks(markdown) == settled


def shown(markdown: str, width: int) -> str:
    """Return what a terminal of this width shows, without spaces, line ends and the marks of lists and quotes."""
    terminal = EmulatedTerminal(width)
    print_markdown(terminal.console, markdown)
    return re.sub(r"\x1b\[[0-9;]*m|[\s▌•]", "", terminal.file.getvalue())


@given(random_markdown(), st.sampled_from([24, 40, 80, 300]))
def test_print_markdown_keeps_every_word_in_order(random: RandomMarkdown, width: int) -> None:
    """Check the order in a table only on a wide terminal: on another one, the cells of a row are wrapped beside each other."""
    text, position = shown(random.text, width), 0
    is_ordered = width == 300 or not random.has_table
    for word in random.words:
        found = text.find(word, position if is_ordered else 0)
        assert found >= 0, word
        position = found + len(word)


@pytest.mark.parametrize(
    ("markdown", "lines"),
    [
        ("git clone <url> first", ["git clone <url> first"]),
        ("mix flour<br>add water", ["mix flour", "add water"]),
        (r"\(E\), $a*b*c$ and \\server", [r"\(E\), $a*b*c$ and \\server"]),
        ("~~old~~ <b>new</b> List<T>", ["old new List<T>"]),
        ("[a](https://b.example) <https://c.example>", ["a (https://b.example) https://c.example"]),
        ("word ![a cat](c.png) end", ["word a cat end"]),
        ("text[^1]\n\n[^1]: note", ["text[^1]", "", "[^1]: note"]),
    ],
)
def test_print_markdown_shows_words_of_html_and_extensions(markdown: str, lines: list[str]) -> None:
    assert lines_printed_at_once(markdown) == lines


@pytest.mark.parametrize("width", [10, 20, 40])
def test_print_markdown_deeply_nested_on_narrow_terminal_keeps_words(width: int) -> None:
    depths = range(1, 12)
    quotes = "\n\n".join("> " * depth + f"word{depth:02d}" for depth in depths)
    items = "\n".join("  " * depth + f"- word{depth:02d}" for depth in depths)
    words = "".join(f"word{depth:02d}" for depth in depths)
    assert shown(quotes, width).replace(">", "") == shown(items, width).replace("-", "") == words


def test_print_markdown_table_with_too_narrow_columns_shows_rows_below_each_other() -> None:
    table = "| alpha | beta |\n|--|--|\n| incomprehensible two | wonderfully |"
    assert shown(table, 20) == "alphabetaincomprehensibletwowonderfully"
    assert any("incomprehensible two" in line for line in lines_printed_at_once(table))
