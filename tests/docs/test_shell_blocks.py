"""Every shell block of README.md and docs/ is run, or says why not; then its commands and their options are there at least."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import doc_shell as shell
from tests.support.doc_blocks import Block, blocks

if TYPE_CHECKING:
    from tests.support.doc_reader import Reader

SHELL = blocks("sh")
RUN = [block for block in SHELL if not block.not_run]


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in SHELL])
def test_its_commands_and_options_are_there(block: Block) -> None:
    assert shell.complaints(block.code) == []


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in RUN])
def test_it_runs(block: Block, reader: Reader) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        env={
            **os.environ,
            **reader.environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_something_runs() -> None:
    assert RUN


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("chatgpt-browser aks hello", "no command aks"),
        ("git diff | chatgpt-browser ask --no-such hello", "no option --no-such"),
        ("python -m chatgpt_browser ask --no-such", "no option --no-such"),
        ("python -m chatgpt_browser.testing --no-such", "no option --no-such"),
        ("pip install 'chatgpt-browser-api[cli,tests]'", "no extra tests"),
        ("pip install chatgpt-browser", "another project"),
        ("bash scripts/tests.sh", "no scripts/tests.sh"),
        ("frobnicate --all", "a command that nothing here knows"),
        ("if true; then", "syntax error"),
    ],
)
def test_a_mistake_is_seen(code: str, complaint: str) -> None:
    assert any(complaint in found for found in shell.complaints(code))


def test_commands_are_taken_apart() -> None:
    code = (
        "git diff | chatgpt-browser ask 'a | b' > reply.txt && cd folder  # there\n\nbash a.sh \\\n  --now\n"
    )
    assert list(shell.commands(code)) == [
        ["git", "diff"],
        ["chatgpt-browser", "ask", "a | b"],
        ["cd", "folder"],
        ["bash", "a.sh", "--now"],
    ]
