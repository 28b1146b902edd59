"""The example is somebody else's project: it has the wheel and nothing of this folder, and its own tests pass."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.package.conftest import ROOT, Environment, run

if TYPE_CHECKING:
    from pathlib import Path


def test_example_project_passes_with_wheel(environment: Environment, tmp_path: Path) -> None:
    project = shutil.copytree(ROOT / "examples" / "standup", tmp_path / "standup")
    base_urls = "import chatgpt_browser; print(chatgpt_browser.__file__)"
    assert (
        str(environment.packages) in run(environment.scripts / "python", "-c", base_urls, cwd=project).stdout
    )

    # Its own pyproject says what is an error; ours is out of sight.
    done = run(environment.scripts / "python", "-m", "pytest", "-rs", "-p", "no:asyncio", cwd=project)

    assert "5 passed, 1 skipped" in done.stdout
    assert "a live test needs a session token" in done.stdout
    assert not (project / "test-results").exists() or not [*(project / "test-results").rglob("*.*")]
