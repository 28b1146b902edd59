"""Each shell block of README.md and docs/ runs, or is marked `not run` and uses only existing commands and options."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import doc_shell
from tests.support.doc_blocks import Block, blocks

if TYPE_CHECKING:
    from tests.support.doc_runner import CodeRunner

SHELL = blocks("sh")
RUN = [block for block in SHELL if not block.not_run]


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in SHELL])
def test_shell_block_uses_existing_commands_and_options(block: Block) -> None:
    assert doc_shell.problems(block.code) == []


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in RUN])
def test_shell_block_runs_with_output(block: Block, code_runner: CodeRunner) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        env={
            **os.environ,
            **code_runner.environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_shell_blocks_contain_some_that_run() -> None:
    assert RUN


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("chatgpt-browser aks hello", "no command aks"),
        ("git diff | chatgpt-browser ask --no-such hello", "no option --no-such"),
        ("python -m chatgpt_browser ask --no-such", "no option --no-such"),
        ("python -m chatgpt_browser.testing --no-such", "no option --no-such"),
        ("pip install 'chatgpt-browser-api[cli,tests]'", "no extra tests"),
        ("pip install chatgpt-browser", "another project"),
        ("pipx install './dist/chatgpt_browser_api-0.0.9-py3-none-any.whl[cli]'", "this version's wheel is"),
        (
            "uvx --from ./dist/chatgpt_browser_api-0.0.9-py3-none-any.whl chatgpt-browser aks",
            "no command aks",
        ),
        ("bash scripts/tests.sh", "no scripts/tests.sh"),
        ("frobnicate --all", "this test cannot check the command"),
        ("if true; then", "syntax error"),
    ],
)
def test_shell_check_of_wrong_code_reports_the_problem(code: str, problem: str) -> None:
    assert any(problem in found for found in doc_shell.problems(code))


def test_shell_commands_are_split_at_operators() -> None:
    code = (
        "git diff | chatgpt-browser ask 'a | b' > reply.txt && cd folder  # there\n\nbash a.sh \\\n  --now\n"
    )
    assert list(doc_shell.commands(code)) == [
        ["git", "diff"],
        ["chatgpt-browser", "ask", "a | b"],
        ["cd", "folder"],
        ["bash", "a.sh", "--now"],
    ]
