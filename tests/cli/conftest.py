"""The command line as a person meets it: in this process for its words, in one of its own for its signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from chatgpt_browser.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from chatgpt_browser.testing import FakeChatGPT

    Invoke = Callable[..., Result]


def heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


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
