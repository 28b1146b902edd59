"""Every Python block of README.md and docs/ does what its page says, against a fake ChatGPT."""

from __future__ import annotations

import ast
import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

import chatgpt_browser
from chatgpt_browser._client.base_client import BaseClient
from tests.support import doc_environment as surroundings
from tests.support.doc_blocks import Block, blocks, is_notebook
from tests.support.doc_reader import Reader, compiled, matches, run_cell, run_program

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser.testing import FakeChatGPT

PYTHON = blocks("python")
CHECKED = [block for block in PYTHON if block.not_run]
#: Blocks with a file's name and tests belong to the page's small project, which pytest runs.
PROJECTS = sorted({block.page for block in PYTHON if block.holds_tests})
FILES = [
    block
    for block in PYTHON
    if block not in CHECKED and (block.holds_tests or (block.title and block.page in PROJECTS))
]
RUN = [block for block in PYTHON if block not in CHECKED and block not in FILES]
PROGRAMS = [block for block in RUN if not is_notebook(block.page)]
NOTEBOOKS = sorted({block.page for block in RUN if is_notebook(block.page)})
#: It has a server of its own, or shows how a message ends before it begins.
MAY_SEND_NOTHING = ("FakeChatGPT", "except", "cancel")
CLIENTS = ("ChatGPTAPI", "AsyncChatGPTAPI")


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in PROGRAMS])
def test_a_program(
    block: Block, reader: Reader, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with surroundings.of(block.page, reader, monkeypatch) as server:
        before = messages(server)
        run_program(block)
        check_output(block, capsys)
        if "_message(" in block.code and not any(word in block.code for word in MAY_SEND_NOTHING):
            assert messages(server) > before


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_notebook(notebook: str, reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [block for block in RUN if block.page == notebook]
    before = messages(reader.server)

    async def run_all() -> None:
        names: dict[str, Any] = {"__name__": "__main__"}
        for cell in cells:
            await run_cell(cell, names)
            check_output(cell, capsys)

    asyncio.run(run_all())
    assert messages(reader.server) > before


def test_the_projects(tmp_path: Path, pytester: pytest.Pytester) -> None:
    """One run of pytest for the test modules of all pages, each beside its page's other files."""
    for number, block in enumerate(FILES):
        folder = pytester.path / block.page.removesuffix(".md").replace("/", "_")
        folder.mkdir(exist_ok=True)
        folder.joinpath(block.title or f"test_{number}.py").write_text(block.code, "utf-8")

    tests = sum(len(functions_of(block)) for block in FILES)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    done.assert_outcomes(passed=tests)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in CHECKED])
def test_what_is_not_run_names_what_is_there(block: Block) -> None:
    tree = ast.parse(block.code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chatgpt_browser"):
            room = __import__(node.module or "", fromlist=["*"])
            assert all(hasattr(room, name.name) for name in node.names)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLIENTS:
            options = inspect.signature(BaseClient).parameters
            assert {keyword.arg for keyword in node.keywords} <= set(options)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "api":
            assert hasattr(chatgpt_browser.ChatGPTAPI, node.attr)


def test_there_are_blocks() -> None:
    assert len(PROGRAMS) >= 12
    assert NOTEBOOKS
    assert PROJECTS
    for block in PYTHON:
        compiled(block)


def messages(server: FakeChatGPT) -> int:
    """How many messages have reached the server."""
    return sum(
        request.method == "POST" and request.path.endswith("/conversation") for request in server.requests
    )


def check_output(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    printed = capsys.readouterr().out
    if block.prints is not None:
        assert matches(printed, block.prints), f"{block.id} printed:\n{printed}"


def functions_of(block: Block) -> list[str]:
    return [
        node.name
        for node in ast.walk(ast.parse(block.code))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    ]
