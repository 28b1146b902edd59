"""Fixtures that run the command line: in this process for its output, in a new process for signals."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.cli import app
from chatgpt_browser.testing import FakeChatGPT
from tests.support.cli_fixtures import Account, restore_default_sigint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke, StartCommand


@pytest.fixture(scope="module")
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
    """Let the commands use the shared client; set its server's base URLs in the environment."""

    @contextmanager
    def client(**_: Any) -> Iterator[ChatGPTAPI]:
        yield shared_account.api

    for module in ("commands.ask", "client_factory"):
        monkeypatch.setattr(
            importlib.import_module(f"chatgpt_browser.cli.{module}"), "client_from_environment", client
        )
    monkeypatch.setenv("CHATGPT_API_BASE_URL", shared_account.server.api_base_url)
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", shared_account.server.backend_api_base_url)
    shared_account.first_request = len(shared_account.server.requests)
    return shared_account


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, clean_environ: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a temporary data folder instead of the user's own."""
    folder = tmp_path / "chatgpt-data"
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return a function that runs the command line in this process."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "dumb")
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, list(arguments), catch_exceptions=False)


@pytest.fixture
def signed_in(server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> FakeChatGPT:
    """Set the token and the base URLs of the fake server in the environment."""
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", server.session_token)
    monkeypatch.setenv("CHATGPT_API_BASE_URL", server.api_base_url)
    monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", server.backend_api_base_url)
    return server


@pytest.fixture
def start_command() -> Iterator[StartCommand]:
    """Yield a function that starts `chatgpt-browser` in a new process, with pipes for its three streams.

    Processes that still run after the test are killed. After a failed test, they would otherwise fail a later test.
    """
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "chatgpt_browser", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONWARNINGS": "error"},
            # If the tests run as a background job, SIGINT is ignored and the new process inherits that.
            preexec_fn=restore_default_sigint if sys.platform != "win32" else None,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
