"""Fixtures: the built distribution, and a virtual environment in which it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent.parent


class Distribution(NamedTuple):
    """The two published files."""

    wheel: Path
    sdist: Path


class Environment(NamedTuple):
    """A virtual environment: the folders of its scripts and of its packages."""

    scripts: Path
    packages: Path


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command. If it fails, show its output."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """Build the sdist, and the wheel from the sdist, as an installer does."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Distribution(wheel, sdist)


@pytest.fixture(scope="session")
def environment(distribution: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Install the wheel, beside the libraries that it needs, in an environment that cannot import the sources."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    [packages] = folder.rglob("site-packages")
    libraries = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", scripts / "python")
    run(*pip, "install", "--quiet", "--no-compile", "--no-deps", "--no-index", distribution.wheel)
    return Environment(scripts, packages)
