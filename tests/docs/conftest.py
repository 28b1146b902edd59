"""Fixtures that run the code of documentation pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT
from tests.support.doc_runner import CodeRunner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shared_code_runner() -> Iterator[CodeRunner]:
    with FakeChatGPT() as server:
        code_runner = CodeRunner(server)
        try:
            yield code_runner
        finally:
            code_runner.close()


@pytest.fixture
def code_runner(
    shared_code_runner: CodeRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> CodeRunner:
    """A runner of documentation code in an empty folder, with the session token in the environment."""
    shared_code_runner.prepare(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return shared_code_runner
