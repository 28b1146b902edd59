"""The table of promises names tests that are there, and leaves out none of these folders' files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = (HERE.parent.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
#: `file.py`, `file.py::test`, or `::test` of the file that was named last; a file without a folder is one of this folder.
NAMED = re.compile(r"`((?:tests/(?:\w+/)?)?test_\w+\.py)?(?:::(test_\w+))?`")


def functions_of(file: str) -> set[str]:
    path = HERE.parent.parent / file if "/" in file else HERE / file
    assert path.is_file(), f"docs/reliability.md names {file}"
    return {node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if hasattr(node, "name")}


def named() -> list[tuple[str, str]]:
    """The files and tests that the table names; for a file as a whole, the test is empty."""
    file, found = "", []
    for match in NAMED.finditer(TABLE):
        if match[0] != "``":
            file = match[1] or file
            found.append((file, match[2] or ""))
    return found


def test_each_test_that_is_named_is_there() -> None:
    missing = [f"{file}::{test}" for file, test in named() if test and test not in functions_of(file)]
    assert missing == []
    assert len(named()) > 50


def test_each_file_of_this_folder_is_named() -> None:
    here = {path.name for path in HERE.glob("test_*.py")} - {Path(__file__).name}
    assert here - {file for file, _ in named()} == set()


def test_each_row_names_its_test() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    promises = [row for row in rows if not row.startswith("| Promise |")]
    assert [row for row in promises if not NAMED.search(row)] == []
