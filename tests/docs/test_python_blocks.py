"""Each Python block of README.md and docs/ runs against a fake ChatGPT and prints what its page shows."""

from __future__ import annotations

import ast
import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

import chatgpt_browser
from chatgpt_browser._client.base_client import BaseClient
from tests.support import doc_environment
from tests.support.doc_blocks import Block, blocks, is_notebook
from tests.support.doc_runner import CodeRunner, compiled, matches, run_cell, run_program

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

PYTHON = blocks("python")
NOT_RUN = [block for block in PYTHON if block.not_run]
#: Pages with a small pytest project: blocks that contain tests, and blocks with a file name as title.
PROJECTS = sorted({block.page for block in PYTHON if block.holds_tests})
FILES = [
    block
    for block in PYTHON
    if block not in NOT_RUN and (block.holds_tests or (block.title and block.page in PROJECTS))
]
RUN = [block for block in PYTHON if block not in NOT_RUN and block not in FILES]
#: Blocks of JSON with a file name as title: the data of these projects.
DATA = [block for block in blocks("json") if block.title and block.page in PROJECTS]
PROGRAMS = [block for block in RUN if not is_notebook(block.page)]
NOTEBOOKS = sorted({block.page for block in RUN if is_notebook(block.page)})
#: A block with one of these words starts another server, or shows a call that ends before a message is sent.
MAY_SEND_NOTHING = ("FakeChatGPT", "except", "cancel")
CLIENTS = ("ChatGPTAPI", "AsyncChatGPTAPI")


@pytest.mark.sample(25)
@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in PROGRAMS])
def test_python_program_block_runs_and_sends_a_message(
    block: Block, code_runner: CodeRunner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with doc_environment.environment_of(block.page, code_runner, monkeypatch) as server:
        before = message_count(server)
        run_program(block)
        check_output(block, capsys)
        if "_message(" in block.code and not any(word in block.code for word in MAY_SEND_NOTHING):
            assert message_count(server) > before


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_python_notebook_blocks_run_in_order(
    notebook: str, code_runner: CodeRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [block for block in RUN if block.page == notebook]
    before = message_count(code_runner.server)

    async def run_all() -> None:
        names: dict[str, Any] = {"__name__": "__main__"}
        for cell in cells:
            await run_cell(cell, names)
            check_output(cell, capsys)

    asyncio.run(run_all())
    assert message_count(code_runner.server) > before


def test_python_test_blocks_pass_in_pytest(tmp_path: Path, pytester: pytest.Pytester) -> None:
    """Run pytest once for the projects of all pages, each in a separate folder."""
    for number, block in enumerate([*FILES, *DATA]):
        folder = pytester.path / block.page.removesuffix(".md").replace("/", "_")
        file = folder / (block.title or f"test_{number}.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.code, "utf-8")

    tests = sum(len(names_of_tests(block)) for block in FILES)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    done.assert_outcomes(passed=tests)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in NOT_RUN])
def test_python_block_that_is_not_run_uses_existing_names(block: Block) -> None:
    tree = ast.parse(block.code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chatgpt_browser"):
            module = __import__(node.module or "", fromlist=["*"])
            assert all(hasattr(module, name.name) for name in node.names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLIENTS:
            options = inspect.signature(BaseClient).parameters
            assert {keyword.arg for keyword in node.keywords} <= set(options)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "api":
            assert hasattr(chatgpt_browser.ChatGPTAPI, node.attr)


def test_page_about_tests_has_short_examples() -> None:
    examples = [block for block in [*FILES, *PROGRAMS] if block.page == "docs/how-to/test-your-program.md"]
    assert len(examples) >= 10
    assert max(len(block.code.strip().splitlines()) for block in examples) <= 12


def test_python_blocks_of_each_kind_exist_and_compile() -> None:
    assert len(PROGRAMS) >= 12
    assert NOTEBOOKS
    assert PROJECTS
    for block in PYTHON:
        compiled(block)


def message_count(server: FakeChatGPT) -> int:
    """Return the number of messages that the server has received."""
    return sum(
        request.method == "POST" and request.path.endswith("/conversation") for request in server.requests
    )


def check_output(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    printed = capsys.readouterr().out
    if block.prints is not None:
        assert matches(printed, block.prints), f"{block.id} printed:\n{printed}"


def names_of_tests(block: Block) -> list[str]:
    return [
        node.name
        for node in ast.walk(ast.parse(block.code))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    ]
