"""What is published: whole, nothing more, and it works in an environment of its own."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "chatgpt_browser"


class Distribution(NamedTuple):
    """The two files that are published."""

    wheel: Path
    sdist: Path


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command, and show what it said where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """Both, the wheel built from the sdist as an installer would build it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Distribution(wheel, sdist)


@pytest.fixture(scope="module")
def metadata(distribution: Distribution) -> Message:
    with zipfile.ZipFile(distribution.wheel) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(wheel.read(name))


def test_twine_finds_no_fault(distribution: Distribution) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *distribution)


def test_the_wheel_is_the_package_and_nothing_else(distribution: Distribution) -> None:
    written = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(distribution.wheel) as wheel:
        names = set(wheel.namelist())

    about = {name for name in names if ".dist-info/" in name}
    assert names - about == written
    assert written >= {
        "chatgpt_browser/py.typed",
        "chatgpt_browser/js/page.js",
        "chatgpt_browser/js/identity.js",
    }
    assert {Path(name).name for name in about} == {
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "LICENSE",
    }


def test_the_sdist_has_what_it_takes_to_build_test_and_read_it(distribution: Distribution) -> None:
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
    strange = [
        name
        for name in names
        if name.startswith((".ci", ".github", "benchmarks", "dist/", "site/"))
        or {"__pycache__", ".venv", "node_modules", ".env"} & set(name.split("/"))
    ]
    assert not strange
    assert sum("chatgpt_browser/" in name and name.endswith(".js") for name in names) >= 2


def test_the_pythons_that_it_is_for(metadata: Message) -> None:
    assert metadata["Requires-Python"] == ">=3.10"
    classifiers = metadata.get_all("Classifier") or []
    pythons = [line.rpartition(" :: ")[2] for line in classifiers if " :: Python :: 3." in line]
    assert pythons == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert {"cli", "testing"} <= set(metadata.get_all("Provides-Extra") or [])


def test_it_works_where_nothing_of_this_folder_is(distribution: Distribution, tmp_path: Path) -> None:
    """The wheel alone, beside the libraries that it needs, in an environment that has never heard of the sources."""
    environment = tmp_path / "environment"
    venv.create(environment)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    [packages] = environment.rglob("site-packages")
    libraries = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", scripts / "python")
    run(*pip, "install", "--quiet", "--no-compile", "--no-deps", "--no-index", distribution.wheel)

    where = run(
        scripts / "python", "-c", "import chatgpt_browser; print(chatgpt_browser.__file__)", cwd=tmp_path
    )
    demo = run(scripts / "chatgpt-browser", "demo", cwd=tmp_path)

    assert Path(where.stdout.strip()).is_relative_to(packages)
    assert "fake server, not ChatGPT" in demo.stdout
