"""The checks of `scripts/release.sh`: the notes of a version, and private data in the files that would be published."""

from __future__ import annotations

import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from scripts import release_checks

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = """# Changelog

## [Unreleased]

### Fixed

- One.

### Added

- Two.

### Fixed

- Three.

## [0.1.0] - 2026-11-01

### Added

- Zero.
"""
NOTES = "### Added\n\n- Two.\n\n### Fixed\n\n- One.\n- Three.\n"


def sources(folder: Path, files: dict[str, str]) -> Path:
    """Return a source distribution with these files."""
    archive = folder / "package-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        for name, text in files.items():
            (folder / "file").write_text(text)
            opened.add(folder / "file", f"package-1.0/{name}")
    return archive


def test_version_is_same_in_both_places() -> None:
    assert release_checks.version() in (ROOT / "pyproject.toml").read_text("utf-8")


def test_notes_of_new_version_merge_kinds_of_unreleased() -> None:
    assert release_checks.notes(CHANGELOG, "0.2.0") == NOTES
    assert release_checks.notes(CHANGELOG.replace("[Unreleased]", "[0.2.0] - 2026-12-01"), "0.2.0") == NOTES
    assert release_checks.notes(CHANGELOG, "0.1.0") == "### Added\n\n- Zero.\n"


def test_notes_without_changes_fail() -> None:
    with pytest.raises(SystemExit, match="lists no changes for 0.3.0"):
        release_checks.notes("# Changelog\n", "0.3.0")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("notes/todo.txt", "", "git does not track"),
        (".env", "", "with this name"),
        ("docs/jobs.sqlite3", "", "with this name"),
        ("a.md", "Bearer eyJhbGciOiJSUzI1NiJ9" + ".eyJ" + "a" * 200 + "." + "b" * 200, "an access token"),
        ("a.md", "eyJhbGciOiAiZGlyIiwgImVuYyI" + ".." + "a" * 16 + "." + "b" * 600, "a session token"),
        ("a.md", f"cd {ROOT}", "the path of this project"),
    ],
)
def test_private_data_in_sdist_is_found(name: str, text: str, problem: str, tmp_path: Path) -> None:
    archive = sources(tmp_path, {"README.md": "Hello.", name: text})

    assert [problem in line for line in release_checks.private_data(archive, {"README.md", "a.md"})].count(
        True
    ) == 1
    assert release_checks.private_data(sources(tmp_path, {"README.md": "Hello."}), {"README.md"}) == []


def test_release_script_without_dry_run_refuses() -> None:
    done = subprocess.run(["bash", "scripts/release.sh"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 1
    assert "only rehearses a release" in done.stderr
