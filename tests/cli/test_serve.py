"""`serve`: what it prints, its key, how it ends, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from chatgpt_browser._core.options import DEFAULT_MODEL
from chatgpt_browser._shared_client.client import SharedClient
from chatgpt_browser.cli.client_factory import client_from_environment
from chatgpt_browser.cli.lifetime import Lifetime
from chatgpt_browser.cli.serve.server_key import load_server_key
from chatgpt_browser.cli.state.data_folder import DataFolder
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply
from tests.support.processes import still_running
from tests.support.scripted_site import posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke, StartCommand

GUARD = 60


def read_variables(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return the two variables that the command prints when its port accepts connections."""
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2)]
    assert all(line.startswith("export ") for line in lines), process.stderr and process.stderr.read()
    return dict(line.removeprefix("export ").rstrip("\n").split("=", 1) for line in lines)


@contextmanager
def ended_at_the_end(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """End the process after the block, if it has not ended: after a failure, the test must not wait for it."""
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(GUARD)
                except subprocess.TimeoutExpired:
                    process.kill()


def post(variables: dict[str, str], path: str, body: dict[str, Any]) -> Any:
    """Send a request and return the open response."""
    headers = {"authorization": f"Bearer {variables['OPENAI_API_KEY']}", "content-type": "application/json"}
    url = f"{variables['OPENAI_BASE_URL']}/{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request, timeout=GUARD)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_serve_signal_during_stream_ends_reply_server_and_browser(
    signed_in: FakeChatGPT, start_command: StartCommand, invoke: Invoke, data_folder: Path
) -> None:
    gate = Gate()
    signed_in.script("From the browser of the server.", Reply("One two.", hold_after=1, gate=gate))
    with ended_at_the_end(start_command("serve", "--model", "gpt-5")) as process:
        variables = read_variables(process)
        with client_from_environment(use_background=True, headless=True) as api:
            assert isinstance(api, SharedClient)
            with api.stream_message("Hello") as shared:
                list(shared.events())
            assert shared.text == "From the browser of the server."
        # Without --model, a command uses its own default instead of the model of the server.
        assert posts_of(signed_in.requests)[-1].json["model"] == DEFAULT_MODEL
        assert invoke("background", "status").stdout.endswith(", ends when it is stopped\n")
        with post(variables, "responses", {"model": "auto", "input": "Hello", "stream": True}) as stream:
            while b"output_text.delta" not in stream.readline():
                pass
            started = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            rest = stream.read().decode()
        assert process.wait(GUARD) == 0
        assert process.stdout and process.stdout.read() == ""
        assert process.stderr and "error" not in process.stderr.read()

    assert '"code": "server_is_stopping"' in rest
    assert started
    assert not still_running(started)
    assert posts_of(signed_in.requests)[-1].disconnected.wait(GUARD)
    gate.open()
    assert stat.S_IMODE((data_folder / "server_key").stat().st_mode) == 0o600
    assert load_server_key(DataFolder.current()) == variables["OPENAI_API_KEY"]


def test_serve_without_session_exits_3_and_prints_nothing(invoke: Invoke) -> None:
    result = invoke("serve")

    assert (result.exit_code, result.stdout) == (3, "")
    assert "There is no session token" in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "example.org"])
def test_serve_other_host_is_refused(invoke: Invoke, host: str) -> None:
    result = invoke("serve", "--host", host)

    assert result.exit_code == 2
    assert "only for programs of this machine" in " ".join(result.stderr.split())


def test_serve_port_in_use_is_refused(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = invoke("serve", "--port", str(other.getsockname()[1]))

    assert result.exit_code == 2
    assert "cannot listen on port" in " ".join(result.stderr.split())


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_serve_without_extra_prints_one_line(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = invoke("serve")

    assert result.exit_code == 2
    assert result.stderr == "The server needs an extra: pip install 'chatgpt-browser-api[serve]'\n"


def test_create_app_without_extra_names_it() -> None:
    program = "import sys; sys.modules['starlette'] = None; from chatgpt_browser.server import create_app"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert result.stderr.endswith("create_app() needs an extra: pip install 'chatgpt-browser-api[serve]'\n")


# ---- the key ---------------------------------------------------------------------------------------------------------


def test_server_key_is_created_once_and_readable_for_its_owner_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    key = load_server_key(folder)

    assert key.startswith("sk-")
    assert len(key) > 40
    folder.server_key.chmod(0o644)
    assert load_server_key(folder) == key
    if os.name == "posix":
        assert stat.S_IMODE(folder.server_key.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff", b"x" * 5000])
def test_server_key_damaged_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    folder = DataFolder(tmp_path)
    folder.server_key.write_bytes(content)
    with pytest.raises(OSError, match="Delete the file to get a new key"):
        load_server_key(folder)


# ---- the lifetime ----------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_lifetime_ends_when_idle_but_not_during_an_activity() -> None:
    lifetime = Lifetime(idle_timeout=0.01)
    with lifetime.activity():
        waiting = asyncio.create_task(lifetime.wait())
        await asyncio.sleep(0)
        assert lifetime._timer is None
    await asyncio.wait_for(waiting, GUARD)


#: SIGHUP does not exist on Windows.
SIGNALS = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.mark.anyio
@pytest.mark.parametrize("sent", SIGNALS)
async def test_lifetime_ends_at_signal_and_restores_the_handlers(sent: signal.Signals) -> None:
    lifetime = Lifetime()
    before = signal.signal(
        sent, signal.SIG_DFL
    )  # the test run may ignore the signal, for example with `nohup`
    try:
        with lifetime.ending_at_signals():
            signal.raise_signal(sent)
            await asyncio.wait_for(lifetime.wait(), GUARD)
            assert signal.getsignal(sent) is signal.SIG_DFL  # a second signal has its usual effect
        assert signal.getsignal(sent) is signal.SIG_DFL
    finally:
        signal.signal(sent, before)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="POSIX signals")
@pytest.mark.anyio
async def test_lifetime_ignored_sighup_stays_ignored() -> None:
    before = signal.signal(SIGNALS[-1], signal.SIG_IGN)
    try:
        with Lifetime().ending_at_signals():
            assert signal.getsignal(SIGNALS[-1]) is signal.SIG_IGN
    finally:
        signal.signal(SIGNALS[-1], before)


@pytest.mark.anyio
async def test_lifetime_without_idle_timeout_ends_only_when_told() -> None:
    lifetime = Lifetime()
    with lifetime.activity():
        pass
    waiting = asyncio.create_task(lifetime.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    lifetime.end()
    await waiting
