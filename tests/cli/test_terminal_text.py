"""The printable form of untrusted text: what becomes an escape, what stays, and text that arrives in pieces."""

from __future__ import annotations

import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from chatgpt_browser.cli.output.consoles import SafeConsole
from chatgpt_browser.cli.output.terminal_text import PrintableStream, printable, printable_json

#: Format characters that are visible, for example the Arabic number sign.
VISIBLE_FORMAT = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
EMOJI = [
    "👩‍💻",
    "❤️",
    "👍🏽",
    "🏳️‍🌈",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "1️⃣",
    "🇩🇪",
    "☎︎",
    "🧑🏿‍🚀",
]
#: Words whose spelling has joiners: Persian, Urdu, Hindi, Bengali, Malayalam, Sinhala, Khmer.
JOINED = [
    "می\u200cخواهم",
    "ه\u200dه",
    "क\u094d\u200dष",
    "क\u094d\u200cष",
    "र\u200d\u09cdয",
    "অব\u09cd\u200c",
    "ന\u0d4d\u200d",
    "ක\u0dca\u200dය",
    "ក\u17d2\u200dក",
]
#: Texts that the site might send to change the terminal, or what the user sees.
ATTACKS = [
    "\x1b]52;c;aGk=\x07",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x7f\x08\x08",
    "a\rb",
    "\u202etxt.exe",
    "\u2066\u2069",
    "\U000e0041\U000e0042",
    "a\u200bb\u200dc\ufeff",
    "a\u115f\u1160b\u3164c\uffa0\ufff0",  # fillers, which are letters without ink
    "\ud800",
    "[link=https://evil.example]x[/link][/nonsense] :smile: [bold",
]

hostile_text = st.lists(
    st.one_of(st.sampled_from([*ATTACKS, *EMOJI, *JOINED, *"\u200c\u200dمक"]), st.text(max_size=5))
).map("".join)


def has_controls(text: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text)


def test_printable_every_invisible_character_becomes_an_escape() -> None:
    hidden = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs")
        and ord(char) not in VISIBLE_FORMAT
        and char not in "\n\t"
    ]
    assert [char for char in hidden if not printable(char).startswith("\\")] == []
    assert printable("a\n\tb c é 世界 \\x1b") == "a\n\tb c é 世界 \\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b", r"\x9b"),
        ("\u202e", r"\u202e"),
        ("\U000e0041", r"\U000e0041"),
        ("a\u200db", r"a\u200db"),
        ("one\r\ntwo\rthree", "one\ntwo\\x0dthree"),
    ],
)
def test_printable_shows_the_code_point(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("emoji", EMOJI)
def test_printable_emoji_sequence_stays(emoji: str) -> None:
    assert printable(f"a {emoji} b") == f"a {emoji} b"


@pytest.mark.parametrize("word", JOINED)
def test_printable_joiner_of_a_script_stays(word: str) -> None:
    assert printable(f"a {word}, b") == f"a {word}, b"


@pytest.mark.parametrize(
    "text",
    [
        "a\u200cb",
        "م\u200c",
        "م\u200c b",
        "\u200cم",
        "a\u200dم",
        "م\u200c\u200cم",
        "م\u200d\u200bم",
        "1\u200c2",
        "世\u200d界",
        "क\u200c",
    ],
    ids=ascii,
)
def test_printable_joiner_elsewhere_becomes_an_escape(text: str) -> None:
    assert "\\u200" in printable(text)
    assert "\u200c" not in printable(text) and "\u200d" not in printable(text)


def test_printable_selector_outside_emoji_becomes_an_escape() -> None:
    assert printable("👍\ufe0f\ufe0f") == "👍\ufe0f\\ufe0f"
    assert printable("👩\u200d") == "👩\\u200d"


@given(hostile_text)
def test_printable_json_is_equivalent_json_without_controls(text: str) -> None:
    document = printable_json(json.dumps({"text": text}, ensure_ascii=False))
    assert not has_controls(document)
    assert json.loads(document) == {"text": text}


@given(hostile_text, st.lists(st.integers(0, 40)))
def test_printable_stream_equals_the_whole_text(text: str, cuts: list[int]) -> None:
    stream, written, start = PrintableStream(), "", 0
    for cut in [*sorted(cuts), len(text)]:
        written += stream.feed(text[start:cut])
        start = max(start, cut)
    assert written + stream.finish() == printable(text)


@pytest.mark.parametrize("word", JOINED)
def test_printable_stream_joiner_between_pieces_stays(word: str) -> None:
    stream = PrintableStream()
    assert "".join(map(stream.feed, word)) + stream.finish() == word


def test_printable_stream_emits_plain_text_at_once() -> None:
    assert PrintableStream().feed("words 1") == "words 1"


@given(hostile_text)
def test_safe_console_whatever_prints_writes_no_control_of_the_text(text: str) -> None:
    console = SafeConsole(file=io.StringIO(), highlight=False, markup=False, emoji=False, width=300)
    table = Table(title=text)  # only the titles of panels are markup in Rich, whatever the console
    table.add_column(text)
    table.add_row(text, Text(text))
    for printed in (text, Text(text), Text(text, style="bold"), Panel(text, title=Text(text)), table):
        console.print(printed)
    assert isinstance(console.file, io.StringIO)
    assert not has_controls(console.file.getvalue())
    assert "\u202e" not in console.file.getvalue()


def test_safe_console_interprets_no_markup_and_no_emoji_code() -> None:
    console = SafeConsole(file=io.StringIO(), highlight=False, markup=False, emoji=False)
    console.print("list[int] a[red] :smile: [/nonsense]")
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "list[int] a[red] :smile: [/nonsense]\n"


def test_safe_console_with_force_color_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert Console(file=io.StringIO()).is_terminal
    assert not SafeConsole(file=io.StringIO()).is_terminal


@pytest.mark.parametrize("char", "\u115f\u1160\u3164\uffa0\ufff0\ufff8")
def test_printable_filler_is_shown_as_escape(char: str) -> None:
    assert printable(f"a{char}b") == f"a\\u{ord(char):04x}b"
