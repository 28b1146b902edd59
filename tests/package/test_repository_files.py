"""Tests of the files for GitHub and pre-commit: each matches its schema and refers to what exists."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]

from .conftest import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": [ROOT / ".github" / "workflows" / "ci.yml"],
    "vendor.dependabot": [ROOT / ".github" / "dependabot.yml"],
    "vendor.github-issue-forms": [ROOT / ".github" / "ISSUE_TEMPLATE" / "bug_report.yml"],
    "vendor.github-issue-config": [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"],
}


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def steps(workflow: Any) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("schema", SCHEMAS)
def test_github_file_matches_its_schema(schema: str) -> None:
    assert SCHEMAS[schema]
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *SCHEMAS[schema])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_steps_use_existing_scripts_and_major_versions(path: Path) -> None:
    for step in steps(yaml.safe_load(path.read_text("utf-8"))):
        for script in re.findall(r"scripts/[\w.]+", step.get("run", "")):
            assert (ROOT / script).is_file(), script
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@(v\d+|release/v\d+)", step["uses"]), step["uses"]


def test_ci_runs_all_checks_on_each_system_with_the_oldest_and_newest_python() -> None:
    pythons = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    job = load(".github/workflows/ci.yml")["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == [pythons[0], pythons[-1]]
    assert {name.partition("-")[0] for name in job["strategy"]["matrix"]["os"]} == {
        "ubuntu",
        "macos",
        "windows",
    }
    assert "bash scripts/test.sh" in [step.get("run") for step in job["steps"]]


def test_release_publishes_by_trusted_publishing_without_a_stored_token() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["environment"]["name"] == "pypi"
    assert jobs["publish"]["needs"] == "ci"
    assert "secrets." not in text
    assert "password" not in text


def test_pre_commit_configuration_is_valid_and_local() -> None:
    run(sys.executable, "-m", "pre_commit", "validate-config", ROOT / ".pre-commit-config.yaml")
    hooks = [hook for repo in load(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["id"] for hook in hooks} >= {
        "ruff-check",
        "ruff-format",
        "mypy",
        "import-linter",
        "javascript",
    }


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_script_is_valid_bash(path: Path) -> None:
    run("bash", "-n", path)
