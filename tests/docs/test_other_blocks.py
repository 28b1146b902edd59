"""Code blocks of the other languages: JSON, TOML, YAML and Dockerfiles are valid, and every language has a check."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.cli.settings.config_file import ConfigFile
from tests.support.doc_blocks import PRINTS, ROOT, all_blocks, blocks, read_blocks

if TYPE_CHECKING:
    from pathlib import Path

#: The checked languages. `text` shows trees and the output of other blocks; `js` shows the npm package, for comparison.
LANGUAGES = {"python", "sh", "text", "json", "toml", "yaml", "dockerfile", "js"}


def test_blocks_have_only_checked_languages() -> None:
    assert {block.language for block in all_blocks()} <= LANGUAGES


def test_output_blocks_follow_the_blocks_that_print_them() -> None:
    shown = [block for block in blocks("text") if block.title == PRINTS]
    printing = [block for block in all_blocks() if block.prints is not None]
    assert [block.code for block in shown] == [block.prints for block in printing]
    assert {block.language for block in printing} <= {"python", "sh"}
    assert shown


def test_json_blocks_are_valid() -> None:
    """A block is one JSON document, or it has one JSON document in each line."""
    for block in blocks("json"):
        documents = [block.code] if block.code.startswith("{\n") else block.code.splitlines()
        for document in documents:
            assert json.loads(document), block.id


def test_toml_blocks_are_valid_config_files(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for block in blocks("toml"):
        path.write_text(block.code, "utf-8")
        assert ConfigFile.read(path).values, block.id


def test_yaml_blocks_are_valid_github_workflows(tmp_path: Path) -> None:
    """Validate the blocks by the schema of GitHub Actions."""
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


def test_dockerfile_block_includes_the_repository_file() -> None:
    dockerfiles = blocks("dockerfile")
    assert [block.code.strip() for block in dockerfiles] == ['--8<-- "Dockerfile"']
    assert (ROOT / "Dockerfile").is_file()


def test_js_blocks_are_marked_not_run() -> None:
    assert all(block.not_run for block in blocks("js"))


def test_read_blocks_with_indented_fence_raises_value_error() -> None:
    with pytest.raises(ValueError, match="page.md:3"):
        read_blocks("!!! note\n\n    ```python\n    1 / 0\n    ```\n", "page.md")


def test_read_blocks_returns_marks_titles_and_output() -> None:
    text = '<!-- not run: it\nwould take years -->\n```sh title="a b"\nls\n```\n```text title="It prints"\nfile\n```\n'
    listing, printed = read_blocks(text, "page.md")
    assert (listing.line, listing.not_run, listing.title) == (3, "it would take years", "a b")
    assert listing.prints == printed.code == "file\n"
