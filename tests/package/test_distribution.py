"""Tests of the published files: their content, and that an installed wheel works."""

from __future__ import annotations

import email
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.package.conftest import ROOT, Distribution, Environment, run

if TYPE_CHECKING:
    from email.message import Message

PACKAGE = ROOT / "chatgpt_browser"
#: Files of the package that are not Python modules.
DATA_FILES = {
    "chatgpt_browser/py.typed",
    "chatgpt_browser/_browser/page_setup/identity.js",
    "chatgpt_browser/_transport/fetch/page.js",
    "chatgpt_browser/_transport/fetch/reader.js",
    "chatgpt_browser/_transport/site_ui/outline.js",
}


@pytest.fixture(scope="module")
def metadata(distribution: Distribution) -> Message:
    with zipfile.ZipFile(distribution.wheel) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(wheel.read(name))


def test_distribution_passes_twine_check(distribution: Distribution) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *distribution)


def test_wheel_contains_exactly_the_package(distribution: Distribution) -> None:
    written = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(distribution.wheel) as wheel:
        names = set(wheel.namelist())

    about = {name for name in names if ".dist-info/" in name}
    assert names - about == written
    assert written >= DATA_FILES
    assert {Path(name).name for name in about} == {
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "LICENSE",
    }


def test_sdist_contains_sources_tests_and_docs(distribution: Distribution) -> None:
    with tarfile.open(distribution.sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]

    top = {name.partition("/")[0] for name in names}
    assert top >= {
        "chatgpt_browser",
        "tests",
        "docs",
        "scripts",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "PKG-INFO",
    }
    unexpected = [
        name
        for name in names
        if name.startswith((".ci", ".github", "benchmarks", "dist/", "site/"))
        or {"__pycache__", ".venv", "node_modules", ".env"} & set(name.split("/"))
    ]
    assert not unexpected
    assert set(names) >= DATA_FILES


def test_wheel_metadata_names_supported_pythons(metadata: Message) -> None:
    assert metadata["Requires-Python"] == ">=3.10"
    classifiers = metadata.get_all("Classifier") or []
    pythons = [line.rpartition(" :: ")[2] for line in classifiers if " :: Python :: 3." in line]
    assert pythons == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert {"cli", "testing"} <= set(metadata.get_all("Provides-Extra") or [])


def test_wheel_installed_alone_runs_demo(environment: Environment, tmp_path: Path) -> None:
    imported = run(
        environment.scripts / "python",
        "-c",
        "import chatgpt_browser; print(chatgpt_browser.__file__)",
        cwd=tmp_path,
    )
    demo = run(environment.scripts / "chatgpt-browser", "demo", cwd=tmp_path)

    assert Path(imported.stdout.strip()).is_relative_to(environment.packages)
    assert "fake server, not ChatGPT" in demo.stdout
