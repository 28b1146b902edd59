"""Test of the example project: its own tests pass with the wheel, without this repository."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.package.conftest import ROOT, Environment, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
def test_example_project_passes_with_wheel(environment: Environment, tmp_path: Path) -> None:
    project = shutil.copytree(ROOT / "examples" / "standup", tmp_path / "standup")
    program = "import chatgpt_browser; print(chatgpt_browser.__file__)"
    assert str(environment.packages) in run(environment.scripts / "python", "-c", program, cwd=project).stdout

    # Pytest reads the example's own pyproject.toml, not this repository's.
    done = run(environment.scripts / "python", "-m", "pytest", "-rs", "-p", "no:asyncio", cwd=project)

    assert "5 passed, 1 skipped" in done.stdout
    assert "a live test needs a session token" in done.stdout
    assert not (project / "test-results").exists() or not [*(project / "test-results").rglob("*.*")]
