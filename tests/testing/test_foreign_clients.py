"""`FakeChatGPT` works with clients of other people, whose protocol is independent of this project.

Each client is installed into a temporary folder. If its registry cannot be reached, its tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import FakeChatGPT, Reply

if TYPE_CHECKING:
    from tests.support.site_client import SiteClient

PROGRAMS = Path(__file__).parents[1] / "support" / "foreign_clients"
#: Guards against a registry or a client that hangs, in seconds.
INSTALL_TIMEOUT, TIMEOUT = 120, 60


def run(
    command: list[str], folder: Path, timeout: float = TIMEOUT, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # `npm` is a script with another name on Windows.
    command[0] = shutil.which(command[0]) or command[0]
    environment = {**os.environ, **(variables or {})}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=timeout, env=environment
    )


def install(command: list[str], package: str, folder: Path) -> Path:
    """Install a package in a folder and return the folder. Skip the test if this is not possible."""
    try:
        installed = run([*command, package], folder, INSTALL_TIMEOUT)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the registry of {package} does not respond")
    if installed.returncode:
        pytest.skip(f"{package} cannot be installed here: {installed.stderr.strip()[-200:]}")
    return folder


def install_npm(package: str, folder: Path) -> Path:
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    return install(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"], package, folder
    )


def install_python(package: str, folder: Path) -> Path:
    # The other libraries that the client needs are those of this project, or the program replaces them.
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--disable-pip-version-check",
        "--target=.",
    ]
    return install(pip, package, folder)


def output_of(program: str, folder: Path, *arguments: str, **variables: str) -> dict[str, Any]:
    """Run a program in the folder of its client, and return its output, which is JSON."""
    shutil.copy(PROGRAMS / program, folder)
    interpreter = "node" if program.endswith(".mjs") else sys.executable
    variables |= {"PYTHONPATH": str(folder), "HOME": str(folder)}
    finished = run([interpreter, program, *arguments], folder, variables=variables)
    assert finished.returncode == 0, finished.stderr
    output: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return output


# ---- npm: chatgpt 2.0, whose API this project follows -----------------------------------------------


@pytest.fixture(scope="module")
def npm_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_npm("chatgpt@2.0.7", tmp_path_factory.mktemp("npm2"))


def run_npm_2(server: FakeChatGPT, folder: Path) -> dict[str, Any]:
    urls = [server.api_base_url, server.backend_api_base_url]
    return output_of("npm_2.mjs", folder, *urls, server.session_token)


@pytest.mark.long
def test_npm_2_client_sends_messages_and_conversation(server: FakeChatGPT, npm_2: Path) -> None:
    output = run_npm_2(server, npm_2)

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
def test_npm_2_client_ignores_comments_and_moderation(server: FakeChatGPT, npm_2: Path) -> None:
    server.script(Reply("Hi there", comments=True, empty_data=False, moderation=True, newline="\r\n"))

    assert run_npm_2(server, npm_2)["single"] == "Hi there"


# ---- npm: chatgpt 5.2 ---------------------------------------------------------------------------------


@pytest.mark.long
def test_npm_5_client_sends_messages_and_reports_errors(client: SiteClient, tmp_path: Path) -> None:
    server, folder = client.server, install_npm("chatgpt@5.2.5", tmp_path)
    server.inject("rate-limit-header", after=2)
    server.when("Broken", Reply(pieces=["Half ", "a ", "reply"], break_after=2))
    output = output_of("npm_5.mjs", folder, client.messages_url, client.sign_in())

    assert output["first"]["text"] == 'You said: "My name is Ada.".'
    assert output["progress"][0] == "My name is Ada.", "this client reads the echo of the message as a reply"
    assert output["progress"][-1] == output["first"]["text"]
    assert "Before that" in output["second"]["text"]
    assert output["second"]["conversationId"] == output["first"]["conversationId"]
    assert output["refused"].startswith("429 ")
    assert output["broken"] == "Half a "


# ---- PyPI: revChatGPT -----------------------------------------------------------------------------------


@pytest.mark.long
def test_revchatgpt_0_client_signs_in_and_sends_messages(tmp_path: Path) -> None:
    folder = install_python("revChatGPT==0.1.1", tmp_path)
    with FakeChatGPT(
        tls=True, http2=False
    ) as server:  # The client sends the cookie that the site has over TLS.
        authority = folder / "authority.pem"
        authority.write_bytes(server.certificate_authority_pem or b"")
        arguments = (server.origin, server.session_token)
        output = output_of("revchatgpt_0.py", folder, *arguments, REQUESTS_CA_BUNDLE=str(authority))

    assert output["first"]["message"] == 'You said: "My name is Ada.".' and output["first"]["title"]
    assert "Before that" in output["second"]["message"]
    assert output["second"]["conversation_id"] == output["first"]["conversation_id"]
    assert output["titles"] == [output["first"]["title"]]
    assert output["history"]["current_node"] == output["second"]["parent_id"]
    assert output["remaining"] == []


@pytest.mark.long
def test_revchatgpt_6_client_uses_the_whole_backend(client: SiteClient, tmp_path: Path) -> None:
    server, folder = client.server, install_python("revChatGPT==6.8.6", tmp_path)
    server.when("A long story", " there was an end.")
    server.when("A long story", Reply("Once upon a time", finish="max_tokens"), times=1)
    server.when("Refused", "Never sent.", optional=True)
    server.inject("message-too-long", after=4)
    output = output_of("revchatgpt_6.py", folder, server.backend_api_base_url, client.sign_in())

    assert output["first"][-1]["message"] == 'You said: "My name is Ada.".'
    assert {part["author"]["role"] for part in output["first"]} == {"assistant"}
    assert output["first"][-1]["finish_details"] == "stop" and output["first"][-1]["model"]
    assert "Before that" in output["second"]["message"]
    assert output["cut"]["message"] == "Once upon a time there was an end."
    assert output["titles"] == ["Ada"] and output["title"]
    assert output["shared"].startswith("http")
    assert output["roles"].count("user") == 3
    assert output["refused"].startswith("413 ") and "too long" in output["refused"]
    assert output["remaining"] == []
    server.assert_all_used()
