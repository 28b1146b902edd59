"""`FakeChatGPT` works with the npm package `chatgpt` 2.0, whose API this project follows."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Reply

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT

PACKAGE = "chatgpt@2.0.7"
SCRIPT = Path(__file__).parents[1] / "support" / "npm_client.mjs"
TOOLS = ("node", "npm")


@pytest.fixture(scope="module")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that contains the installed package and the script."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")

    folder = tmp_path_factory.mktemp("npm")
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save"]
    installed = run(["npm", "install", *options, PACKAGE], folder)
    if installed.returncode:
        pytest.skip(f"npm cannot install {PACKAGE} here: {installed.stderr.strip()[-200:]}")

    shutil.copy(SCRIPT, folder)
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    # `npm` is a script with another name on Windows.
    command[0] = shutil.which(command[0]) or command[0]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50)


def run_npm_client(server: FakeChatGPT, folder: Path) -> dict[str, Any]:
    urls = [server.api_base_url, server.backend_api_base_url]
    finished = run(["node", SCRIPT.name, *urls, server.session_token], folder)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    output: dict[str, Any] = json.loads(finished.stdout)
    return output


def test_npm_client_sends_messages_and_conversation(server: FakeChatGPT, npm_folder: Path) -> None:
    output = run_npm_client(server, npm_folder)

    assert output["authenticated"] is True
    assert output["user"]["email"] == "ada@example.com"
    assert output["single"] == 'You said: "Hello".'
    assert output["progress"] == ["Hello", "You", "You said:", 'You said: "Hello".']
    assert output["second"] == 'You said: "What is my name?". Before that you said: "My name is Ada.".'
    conversation = server.conversations[output["conversationId"]]
    assert output["parentMessageId"] == conversation.current_node
    assert len(server.conversations) == 2
    # One refresh for four calls: the package caches the access token for a minute.
    assert [record.path for record in server.requests].count("/api/auth/session") == 1


@pytest.mark.long
def test_npm_client_ignores_comments_and_moderation(server: FakeChatGPT, npm_folder: Path) -> None:
    server.script(Reply("Hi there", comments=True, empty_data=False, moderation=True, newline="\r\n"))

    assert run_npm_client(server, npm_folder)["single"] == "Hi there"
