"""A reader who tries what the pages say, with `FakeChatGPT` where the site would be."""

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


class StaysOpen(ChatGPTAPI):
    """A client whose browser serves the next program too: starting one for each is most of what a program here costs."""

    def close(self) -> None:
        pass


class Reader:
    """Runs programs. Those that ask for a synchronous client without further options share one browser."""

    def __init__(self, server: FakeChatGPT) -> None:
        self.server = server
        self._shared: StaysOpen | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What the command line reads."""
        return {
            "CHATGPT_SESSION_TOKEN": self.server.session_token,
            "CHATGPT_API_BASE_URL": self.server.api_base_url,
            "CHATGPT_BACKEND_API_BASE_URL": self.server.backend_api_base_url,
        }

    def prepare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the clients' default base URLs be the server's, and its token the reader's own."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(chatgpt_browser, "ChatGPTAPI", self._client)
        monkeypatch.setattr(
            chatgpt_browser, "AsyncChatGPTAPI", functools.partial(AsyncChatGPTAPI, **self._where)
        )

    def close(self) -> None:
        if self._shared is not None:
            ChatGPTAPI.close(self._shared)

    @property
    def _where(self) -> dict[str, Any]:
        return {
            "api_base_url": self.server.api_base_url,
            "backend_api_base_url": self.server.backend_api_base_url,
        }

    def _client(self, session_token: Any, **options: Any) -> ChatGPTAPI:
        if options or session_token != self.server.session_token:
            return ChatGPTAPI(session_token, **self._where | options)
        if self._shared is None:
            self._shared = StaysOpen(session_token, **self._where)
        return self._shared


async def run_cell(block: Block, names: dict[str, Any]) -> None:
    """Run a block as a notebook runs a cell: in a running event loop, where it may await."""
    made = eval(compiled(block), names)
    if inspect.iscoroutine(made):
        await made


def run_program(block: Block) -> None:
    """Run a block as a program of its own, without a loop unless it awaits."""
    code = compiled(block)
    names = {"__name__": "__main__"}
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, names))
    else:
        exec(code, names)


def compiled(block: Block) -> Any:
    """The code, with the lines that it has on its page; it may await where a notebook lets it."""
    # The fence itself is line `block.line`.
    source = "\n" * block.line + block.code
    return compile(source, str(ROOT / block.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def matches(printed: str, shown: str) -> bool:
    """Whether a page shows what was printed, `…` standing for anything."""
    pattern = ".*?".join(re.escape(part) for part in shown.rstrip().split("…"))
    return re.fullmatch(pattern, printed.rstrip(), re.DOTALL) is not None
