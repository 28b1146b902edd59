"""Tests of CONTRIBUTING.md and of the figures of the architecture page against the files that exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from scripts import draw_sequences, take_screenshots
from tests.support.doc_blocks import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = ROOT / "chatgpt_browser"
SECTION = (
    (ROOT / "CONTRIBUTING.md")
    .read_text("utf-8")
    .partition("## Where to change what")[2]
    .partition("\n## ")[0]
)
PATTERNS = [
    pattern
    for row in SECTION.splitlines()
    if row.startswith("| ")
    for pattern in re.findall(r"`([\w./*]+)`", row.rpartition(" | ")[2])
]


def files_of(pattern: str) -> set[Path]:
    return {path for path in PACKAGE.glob(pattern) if path.is_file()}


def test_change_table_names_every_module() -> None:
    named = {path for pattern in PATTERNS for path in files_of(pattern)}
    modules = {path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}

    assert sorted(map(str, modules - named)) == []


@pytest.mark.parametrize("pattern", PATTERNS)
def test_change_table_path_exists(pattern: str) -> None:
    assert files_of(pattern)


@pytest.mark.parametrize("name", draw_sequences.DIAGRAMS)
def test_sequence_diagram_is_current(name: str) -> None:
    drawn = draw_sequences.draw(draw_sequences.DIAGRAMS[name])

    assert (draw_sequences.ASSETS / name).read_text("utf-8") == drawn


def test_glossary_has_at_most_30_terms() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    glossary = page.partition("## Glossary")[2].partition("\n## ")[0]
    terms = [line for line in glossary.splitlines() if line.startswith("| ")][2:]

    assert 10 <= len(terms) <= 30


def test_screenshots_of_the_script_are_in_the_docs() -> None:
    page = (ROOT / "docs/how-to/test-your-program.md").read_text("utf-8")
    for name in take_screenshots.PICTURES:
        assert f"../assets/{name}" in page
        assert (take_screenshots.ASSETS / name).read_bytes().startswith(b"\x89PNG")
