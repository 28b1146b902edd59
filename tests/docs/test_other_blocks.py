"""Blocks of every other language: files that programs read are such files, and no language goes unchecked."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.doc_blocks import PRINTS, ROOT, all_blocks, blocks, read_blocks

if TYPE_CHECKING:
    from pathlib import Path

#: Each with the test that looks at it. `text` is for trees and for what a block prints, `js` for comparison with the npm package.
LANGUAGES = {"python", "sh", "text", "json", "yaml", "dockerfile", "js"}


def test_no_language_goes_unchecked() -> None:
    assert {block.language for block in all_blocks()} <= LANGUAGES


def test_what_is_printed_stands_behind_what_prints_it() -> None:
    shown = [block for block in blocks("text") if block.title == PRINTS]
    printing = [block for block in all_blocks() if block.prints is not None]
    assert [block.code for block in shown] == [block.prints for block in printing]
    assert {block.language for block in printing} <= {"python", "sh"}
    assert shown


def test_json() -> None:
    for block in blocks("json"):
        for line in block.code.splitlines():
            assert json.loads(line), block.id


def test_workflows(tmp_path: Path) -> None:
    """Against the schema of GitHub Actions' workflows."""
    files = []
    for number, block in enumerate(blocks("yaml")):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(block.code, "utf-8")
    assert files
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *files],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_a_dockerfile_is_the_one_that_is_kept() -> None:
    kept = blocks("dockerfile")
    assert [block.code.strip() for block in kept] == ['--8<-- "Dockerfile"']
    assert (ROOT / "Dockerfile").is_file()


def test_the_npm_packages_own_is_not_run() -> None:
    assert all(block.not_run for block in blocks("js"))


def test_a_block_in_hiding_is_found() -> None:
    with pytest.raises(ValueError, match="page.md:3"):
        read_blocks("!!! note\n\n    ```python\n    1 / 0\n    ```\n", "page.md")


def test_marks_and_titles_are_read() -> None:
    text = '<!-- not run: it\nwould take years -->\n```sh title="a b"\nls\n```\n```text title="It prints"\nfile\n```\n'
    listing, printed = read_blocks(text, "page.md")
    assert (listing.line, listing.not_run, listing.title) == (3, "it would take years", "a b")
    assert listing.prints == printed.code == "file\n"
