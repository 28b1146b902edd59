"""docs/reliability.md names existing tests, at least one in each row, and every file of this folder."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parent.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
#: `file.py`, `file.py::test`, or `::test` in the file that was named last. A file without a folder is in this folder.
REFERENCE = re.compile(r"`((?:tests/(?:\w+/)?)?test_\w+\.py)?(?:::(test_\w+))?`")


def names_in(file: str) -> set[str]:
    path = HERE.parent.parent / file if "/" in file else HERE / file
    assert path.is_file(), f"docs/reliability.md names {file}"
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if hasattr(node, "name")}


def references() -> list[tuple[str, str]]:
    """Return the files and tests that the page names. The test is empty if only a file is named."""
    file, found = "", []
    for match in REFERENCE.finditer(PAGE):
        if match[0] != "``":
            file = match[1] or file
            found.append((file, match[2] or ""))
    return found


def test_reliability_page_names_only_existing_tests() -> None:
    missing = [f"{file}::{test}" for file, test in references() if test and test not in names_in(file)]
    assert missing == []
    assert len(references()) > 50


def test_reliability_page_names_every_file_of_this_folder() -> None:
    here = {path.name for path in HERE.glob("test_*.py")} - {Path(__file__).name}
    assert here - {file for file, _ in references()} == set()


def test_reliability_page_names_a_test_in_every_row() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    promises = [row for row in rows if not row.startswith("| Promise |")]
    assert [row for row in promises if not REFERENCE.search(row)] == []


def test_reliability_page_contains_no_row_twice() -> None:
    rows = [line for line in PAGE.splitlines() if "`test_" in line or "/test_" in line]
    assert [row for row, count in Counter(rows).items() if count > 1] == []
