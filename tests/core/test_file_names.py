"""File names from another party are safe on every platform."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser._core.file_names import (
    MAX_NAME,
    numbered_name,
    safe_file_name,
    unique_names,
    with_suffix,
)

RIGHT_TO_LEFT = "\u202e"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("table.csv", "table.csv"),
        ("Übersicht (2) – 表.csv", "Übersicht (2) – 表.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.dll", "evil.dll"),
        ("/mnt/data/", "data"),
        ("..", "file"),
        ("", "file"),
        ("\u200d", "file"),
        (".bashrc", "bashrc"),
        ("-rf", "_-rf"),
        ("CON", "_CON"),
        ("aux.txt", "_aux.txt"),
        ("COM1 .log", "_COM1 .log"),
        ("lpt\u00b9.txt", "_lpt\u00b9.txt"),
        ("console.txt", "console.txt"),
        ("a:stream", "a_stream"),
        ('q<u>e"s|t?i*on', "q_u_e_s_t_i_on"),
        (f"photo{RIGHT_TO_LEFT}gpj.exe", "photogpj.exe"),
        ("line\nbreak\x1b[2J\x00.txt", "linebreak[2J.txt"),
        ("half\ud800.txt", "half.txt"),
        ("trailing. . ", "trailing"),
    ],
)
def test_safe_file_name_unsafe_names_are_changed(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe


def test_safe_file_name_long_name_keeps_its_suffix() -> None:
    name = safe_file_name("ü" * 300 + ".png")
    assert len(name.encode()) <= MAX_NAME
    assert name.endswith("ü.png")


@given(st.text(st.characters(codec=None), max_size=400))
def test_safe_file_name_any_text_is_one_visible_name(text: str) -> None:
    name = safe_file_name(text)
    assert 0 < len(name.encode()) <= MAX_NAME + 1
    assert not set(name) & set('/\\<>:"|?*')
    assert name[0] not in ".- " and name[-1] not in ". "
    assert safe_file_name(name) == name


def test_unique_names_same_names_get_numbers() -> None:
    assert unique_names(["a.png", "A.PNG", "a (2).png", "b"]) == ["a.png", "A (2).PNG", "a (2) (2).png", "b"]


def test_numbered_name_without_suffix_appends_the_number() -> None:
    assert [numbered_name("plan", 1), numbered_name("plan", 2)] == ["plan", "plan (2)"]


def test_with_suffix_replaces_only_the_last_suffix() -> None:
    assert [with_suffix("a.b.png", ".webp"), with_suffix("a", ".png")] == ["a.b.webp", "a.png"]
