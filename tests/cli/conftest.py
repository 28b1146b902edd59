"""The command line as a person meets it: in this process for its words, in one of its own for its signals."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.cli import app
from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

    from chatgpt_browser.testing import RecordedRequest

    Invoke = Callable[..., Result]


def heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Account:
    """A server that remembers, and a signed-in client whose browser is up: many tests share them."""

    server: FakeChatGPT
    api: ChatGPTAPI
    mark: int = 0

    @property
    def posts(self) -> list[RecordedRequest]:
        """The messages that were sent since the test began."""
        requests = self.server.requests[self.mark :]
        return [r for r in requests if r.method == "POST" and r.path == "/backend-api/conversation"]


@pytest.fixture(scope="session")
def shared_account() -> Iterator[Account]:
    with (
        FakeChatGPT() as server,
        ChatGPTAPI(
            server.session_token,
            api_base_url=server.api_base_url,
            backend_api_base_url=server.backend_api_base_url,
            retries=1,
        ) as api,
    ):
        yield Account(server, api)


@pytest.fixture
def account(shared_account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Let the commands of this test find the shared client; the environment names its server."""

    @contextmanager
    def client(**_: Any) -> Iterator[ChatGPTAPI]:
        yield shared_account.api

    for module in ("ask", "_account"):
        monkeypatch.setattr(
            importlib.import_module(f"chatgpt_browser.cli.{module}"), "client_from_environment", client
        )
    monkeypatch.setenv("CHATGPT_API_BASE_URL", shared_account.server.api_base_url)
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", shared_account.server.backend_api_base_url)
    shared_account.mark = len(shared_account.server.requests)
    return shared_account


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, clean_environ: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what commands save away from the folder of whoever runs the tests."""
    folder = tmp_path / "chatgpt-data"
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run the command line with these arguments."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "dumb")
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, list(arguments), catch_exceptions=False)


@pytest.fixture
def signed_in(server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> FakeChatGPT:
    """Point the command line's environment at the fake server."""
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", server.session_token)
    monkeypatch.setenv("CHATGPT_API_BASE_URL", server.api_base_url)
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", server.backend_api_base_url)
    return server


@pytest.fixture
def command() -> Callable[..., subprocess.Popen[str]]:
    """Start `chatgpt-browser` as a process of its own, with pipes for its three streams."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "chatgpt_browser", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONWARNINGS": "error"},
            # Whoever runs the tests may ignore Ctrl-C, as a background job does: the command under test must not.
            preexec_fn=heed_ctrl_c if sys.platform != "win32" else None,
        )

    return start
