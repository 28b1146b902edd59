"""Every Python block of the README runs, as it stands, against a fake ChatGPT."""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import chatgpt_browser

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TEXT = README.read_text(encoding="utf-8")


def heading_before(position: int) -> str:
    headings: list[str] = re.findall(r"^#+ (.*)$", TEXT[:position], re.MULTILINE)
    return headings[-1]


BLOCKS = [
    pytest.param(match[1], id=f"{heading_before(match.start())}-{number}")
    for number, match in enumerate(BLOCK.finditer(TEXT))
]
PROGRAMS = [block for block in BLOCKS if "def test_" not in str(block.values[0])]
TEST_MODULES = [block for block in BLOCKS if block not in PROGRAMS]


@pytest.fixture
def at_the_fake(server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> FakeChatGPT:
    """Let the clients' default base URLs be the server's, and its token the reader's own."""
    where = {"api_base_url": server.api_base_url, "backend_api_base_url": server.backend_api_base_url}
    for name in ("ChatGPTAPI", "AsyncChatGPTAPI"):
        client = getattr(chatgpt_browser, name)
        monkeypatch.setattr(chatgpt_browser, name, functools.partial(client, **where))

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", server.session_token)
    return server


@pytest.mark.parametrize("block", PROGRAMS)
@pytest.mark.usefixtures("at_the_fake")
def test_program(block: str) -> None:
    # As a notebook does: a block that awaits runs in a loop, any other as a plain program.
    code = compile(block, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, {"__name__": "__main__"}))
    else:
        exec(code, {"__name__": "__main__"})


@pytest.mark.parametrize("block", TEST_MODULES)
def test_test_module(block: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(block)
    pytester.runpytest_subprocess().assert_outcomes(passed=block.count("def test_"))


def test_there_are_blocks() -> None:
    assert len(PROGRAMS) >= 8
    assert TEST_MODULES
