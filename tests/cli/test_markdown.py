"""Markdown on a terminal: while it grows nothing flickers, and in the end it stands there as if it had been written at once."""

from __future__ import annotations

import io
import random
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from chatgpt_browser.cli.output.markdown import LiveMarkdown, print_markdown
from chatgpt_browser.cli.output.markdown_blocks import blocks_of, settled_blocks
from tests.support.terminal_screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH, HEIGHT = 60, 12

SAMPLE = """\
# A heading

Some **bold** and *italic* words, enough of them to go on over several lines of a terminal that is not a very wide one.
With `code` and a [link](https://site.example/a).

## Steps

1. First do this
2. Then do that:
   ```python
   for number in range(3):
       print(number)
   ```
3. Third
   - nested

- a loose one

- another

> A quote
> goes on

| name | value |
|------|------:|
| one  | 1     |
| a much longer name | 22 |

```python
def f(x):
    \"\"\"Of several
    lines.\"\"\"
    return x + 1


print(f(2))
```

Setext
------
and a line
***
The end: 世界 🌍
"""
LONG_CODE = "Look:\n\n```python\n" + "".join(f"line_{n} = {n}\n" for n in range(40)) + "```\n\nThat was it."
LONG_LIST = "".join(f"{n}. item number {n}\n" for n in range(1, 31))
LONG_TABLE = "| a | b |\n|---|---|\n" + "".join(f"| {'x' * n} | {n} |\n" for n in range(1, 25)) + "\nEnd."
LONG_ITEM = "1. See:\n\n" + "".join(f"   Paragraph {n}.\n\n" for n in range(15)) + "2. Second"
TEXTS = [SAMPLE, LONG_CODE, LONG_LIST, LONG_TABLE, LONG_ITEM, "one line", "a\n\n\n\n", "", "\n\n", "- \n- \n"]


class Terminal:
    """A console, and the screen that it writes to."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.file = io.StringIO()
        self.console = Console(
            file=self.file,
            force_terminal=True,
            width=width,
            height=height,
            color_system="256",
            legacy_windows=False,
        )
        self.screen = Screen(width, height)

    def read(self) -> str:
        """What has been written since; the screen has seen it then."""
        written = self.file.getvalue()
        self.file.seek(0)
        self.file.truncate()
        self.screen.feed(written)
        return written

    @property
    def lines(self) -> list[str]:
        return self.screen.lines


def at_once(text: str) -> list[str]:
    terminal = Terminal()
    print_markdown(terminal.console, text)
    terminal.read()
    return terminal.lines


def grown(texts: Iterable[str], terminal: Terminal | None = None) -> list[str]:
    """What stands on a terminal that has shown each of these texts, one after another."""
    terminal = terminal or Terminal()
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
def test_grown_is_as_if_at_once(text: str) -> None:
    assert grown(prefixes(text, 29)) == at_once(text)


def test_every_cut_of_everything() -> None:
    """Character by character, with what stands on each screen in between compared with the whole text up to there."""
    terminal = Terminal(height=200)
    live = LiveMarkdown(terminal.console)
    for prefix in prefixes(SAMPLE[:250], 1):
        live._text = prefix
        live._draw()
        terminal.read()
        if prefix.endswith("\n"):
            assert terminal.lines == at_once(prefix)


def test_random_markdown() -> None:
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
        assert grown(prefixes(text, 5)) == at_once(text), text


def test_nothing_that_stays_is_written_again() -> None:
    terminal = Terminal()
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


def test_long_code_scrolls_like_any_text() -> None:
    terminal = Terminal()
    live = LiveMarkdown(terminal.console)
    live._text = LONG_CODE[: LONG_CODE.index("line_30")]
    live._draw()
    terminal.read()
    assert any("line_0 = 0" in line for line in terminal.lines)
    assert any("line_29 = 29" in line for line in terminal.screen.display)


def test_what_the_site_takes_back_is_begun_anew() -> None:
    lines = grown(["One.\n\nTwo.\n\nThree", "Other.\n\nThings"])
    assert lines == ["One.", "", "Other.", "", "Things"]  # what was settled stays


def test_a_terminal_that_becomes_narrower() -> None:
    terminal = Terminal()
    live = LiveMarkdown(terminal.console)
    live._text = "A paragraph of so many words that it takes one line of sixty."
    live._draw()
    terminal.read()
    terminal.console.width = 30
    live._text += " More."
    live._draw()
    assert terminal.read().startswith(f"\x1b[{2 + 1}A")


def test_a_text_does_not_command_the_terminal() -> None:
    terminal = Terminal()
    print_markdown(terminal.console, "a\x1b]0;owned\x07b `c\x1b[2J`")
    assert not re.search(r"\x1b\]|\x1b\[2J|\x07", terminal.file.getvalue())


def test_links_say_where_they_lead() -> None:
    assert "https://site.example/a" in " ".join(at_once("[click](https://site.example/a)"))


def test_painter_shows_the_newest_text() -> None:
    terminal = Terminal()
    with LiveMarkdown(terminal.console) as live:
        for prefix in prefixes(SAMPLE, 5):
            live.show(prefix)

    terminal.read()
    assert terminal.lines == at_once(SAMPLE)


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
def test_blocks(markdown: str, kinds: list[str], apart: list[bool]) -> None:
    blocks = blocks_of(markdown)
    assert [block.tokens[0].type for block in blocks] == kinds
    assert [block.apart for block in blocks] == apart


def test_items_go_on_counting() -> None:
    assert [block.tokens[0].attrs["start"] for block in blocks_of("3. a\n3. b\n3. c")] == [3, 4, 5]


@pytest.mark.parametrize(
    ("markdown", "settled"),
    # A line of asterisks is a rule until it goes on: what has no end yet settles nothing.
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
def test_what_will_not_change(markdown: str, settled: int) -> None:
    assert settled_blocks(markdown) == settled
