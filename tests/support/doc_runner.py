"""Runs the Python blocks of pages against `FakeChatGPT` instead of the site."""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import re
from typing import TYPE_CHECKING, Any

import chatgpt_browser
from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
from tests.support.doc_blocks import ROOT, Block

if TYPE_CHECKING:
    import pytest

    from chatgpt_browser.testing import FakeChatGPT


class UnclosedClient(ChatGPTAPI):
    """A client that stays open for the next program, because starting a browser takes most of a program's time."""

    def close(self) -> None:
        pass


class CodeRunner:
    """Prepares the environment of programs. Programs that create a sync client without further options share one browser."""

    def __init__(self, server: FakeChatGPT) -> None:
        self.server = server
        self._shared: UnclosedClient | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that the command line reads."""
        return {
            "CHATGPT_SESSION_TOKEN": self.server.session_token,
            "CHATGPT_API_BASE_URL": self.server.api_base_url,
            "CHATGPT_BACKEND_API_BASE_URL": self.server.backend_api_base_url,
        }

    def prepare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the server's base URLs the clients' defaults, and set the environment variables."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(chatgpt_browser, "ChatGPTAPI", self._client)
        monkeypatch.setattr(
            chatgpt_browser, "AsyncChatGPTAPI", functools.partial(AsyncChatGPTAPI, **self._base_urls)
        )

    def close(self) -> None:
        if self._shared is not None:
            ChatGPTAPI.close(self._shared)

    @property
    def _base_urls(self) -> dict[str, Any]:
        return {
            "api_base_url": self.server.api_base_url,
            "backend_api_base_url": self.server.backend_api_base_url,
        }

    def _client(self, session_token: Any, **options: Any) -> ChatGPTAPI:
        if options or session_token != self.server.session_token:
            return ChatGPTAPI(session_token, **self._base_urls | options)
        if self._shared is None:
            self._shared = UnclosedClient(session_token, **self._base_urls)
        return self._shared


async def run_cell(block: Block, names: dict[str, Any]) -> None:
    """Run a block like a notebook cell: in the running event loop, with top-level ``await``."""
    made = eval(compiled(block), names)
    if inspect.iscoroutine(made):
        await made


def run_program(block: Block) -> None:
    """Run a block as a program, in an event loop only if it has a top-level ``await``."""
    code = compiled(block)
    names = {"__name__": "__main__"}
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, names))
    else:
        exec(code, names)


def compiled(block: Block) -> Any:
    """Compile a block with the line numbers of its page, and with top-level ``await`` allowed."""
    # Line `block.line` is the fence.
    source = "\n" * block.line + block.code
    return compile(source, str(ROOT / block.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def matches(printed: str, shown: str) -> bool:
    """Return whether a page shows what was printed. `…` on the page stands for any text."""
    pattern = ".*?".join(re.escape(part) for part in shown.rstrip().split("…"))
    return re.fullmatch(pattern, printed.rstrip(), re.DOTALL) is not None
