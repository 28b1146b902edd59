"""The command `python -m chatgpt_browser.testing`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from chatgpt_browser.testing import FAULTS, Gate, Reply, background
from chatgpt_browser.testing.__main__ import main
from chatgpt_browser.testing.background import wait_until_idle
from tests.support.site_client import SiteClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-W", "error", "-m", "chatgpt_browser.testing", "--json", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def client_of(description: dict[str, Any]) -> SiteClient:
    pem = description["certificate_authority_pem"]
    return SiteClient(
        SimpleNamespace(  # type: ignore[arg-type]
            **{**description, "certificate_authority_pem": None if pem is None else pem.encode()}
        )
    )


@pytest.mark.parametrize("options", [[], ["--tls"]])
def test_main_stops_at_end_of_input(options: list[str]) -> None:
    with running("--until-stdin-closes", *options) as (process, description):
        client = client_of(description)
        with client.http:
            client.sign_in()
            assert client.send("Hello").text == 'You said: "Hello".'
            _, errors = process.communicate(timeout=10)

    assert process.returncode == 0
    assert errors == ""
    assert description["pid"] == process.pid
    with pytest.raises(httpx.ConnectError):
        httpx.get(description["origin"], verify=False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_main_signal_exits_with_0(number: signal.Signals) -> None:
    with running() as (process, _):
        process.send_signal(number)
        assert process.wait(10) == 0


def test_main_events_sets_number_of_events() -> None:
    with running("--events", "3", "--piece", "ab", "--interval", "1") as (_, description):
        client = client_of(description)
        with client.http:
            client.sign_in()
            assert client.send("x").texts == ["ab", "abab", "ababab"]


def test_main_fault_and_pace_are_applied() -> None:
    options = ("--fault", "server-error", "--fault", "message-too-long", "--times", "1", "--pace", "5000")
    with running(*options) as (_, description):
        client = client_of(description)
        with client.http:
            client.sign_in()
            assert [client.send("x").response.status_code for _ in range(3)] == [500, 413, 200]


def test_main_list_faults_prints_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-faults"]) == 0
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()] == [*FAULTS]


def test_main_unknown_fault_suggests_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--fault", "rate-limit-heder"])
    assert "did you mean rate-limit-header" in capsys.readouterr().err


def test_main_challenge_is_applied() -> None:
    with running("--challenge", "passes") as (_, description):
        assert httpx.get(description["origin"]).headers["cf-mitigated"] == "challenge"


def test_main_without_json_prints_text_for_people() -> None:
    command = [sys.executable, "-W", "error", "-m", "chatgpt_browser.testing", "--until-stdin-closes"]
    result = subprocess.run(command, input="", capture_output=True, text=True, timeout=60)

    assert result.returncode == 0 and result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith("FakeChatGPT is running at http://127.0.0.1:") and "Ctrl-C" in lines[0]
    assert lines[2].startswith("Watch page: http://127.0.0.1:")
    assert [line.split("=")[0] for line in lines if "export" in line] == [
        f"  export {name}" for name in EXPORTED
    ]


def test_main_without_a_package_of_the_extra_prints_one_line(tmp_path: Path) -> None:
    (tmp_path / "hypercorn.py").write_text("raise ModuleNotFoundError('No module', name='hypercorn')")
    command = [sys.executable, "-m", "chatgpt_browser.testing", "--export"]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )

    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == "FakeChatGPT needs an extra: pip install 'chatgpt-browser-api[testing]'\n"


# ---- a server in the background ------------------------------------------------------------


EXPORTED = [
    "CHATGPT_SESSION_TOKEN",
    "CHATGPT_API_BASE_URL",
    "CHATGPT_BACKEND_API_BASE_URL",
    "FAKE_CHATGPT_PID",
]
EVALUATE = (
    'eval "$({prefix}"$PYTHON" -W error -m chatgpt_browser.testing --export --events 2)"; env; read -r line'
)
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX shell")


def wait_for_end(pid: int) -> None:
    """Wait until the process has ended. It is polled every 20 ms, because it is no child of this process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        deadline = time.monotonic() + 20
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "the server is still running"
            time.sleep(0.02)


@posix_only
@pytest.mark.parametrize("prefix", ["", "cd / && "], ids=["command", "command in a subshell"])
def test_main_export_runs_a_server_until_the_calling_shell_ends(prefix: str) -> None:
    command = ["sh", "-c", EVALUATE.format(prefix=prefix)]
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as shell:
        assert shell.stdout is not None
        variables: dict[str, str] = {}
        while not variables.keys() >= {*EXPORTED}:
            name, _, value = shell.stdout.readline().strip().partition("=")
            variables |= {name: value} if name in EXPORTED else {}
        session = httpx.get(
            f"{variables['CHATGPT_API_BASE_URL']}/auth/session",
            headers={"cookie": f"next-auth.session-token={variables['CHATGPT_SESSION_TOKEN']}"},
        )
        assert session.json()["accessToken"], "the server runs after the command has ended"
        shell.communicate("\n", timeout=20)

    wait_for_end(int(variables["FAKE_CHATGPT_PID"]))


def test_main_export_with_invalid_option_prints_its_error() -> None:
    command = [sys.executable, "-m", "chatgpt_browser.testing", "--export", "--fault", "no-such"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and result.stdout == "" and "unknown fault 'no-such'" in result.stderr


def test_wait_until_idle_returns_after_the_last_request(client: SiteClient) -> None:
    client.send("Hello")
    started = time.monotonic()
    wait_until_idle(client.server, threading.Event(), 0.2)
    assert 0.1 < time.monotonic() - started < 20

    gate = Gate()
    client.server.script(Reply("one two", hold_after=1, gate=gate))
    returned = threading.Event()

    def wait() -> None:
        wait_until_idle(client.server, threading.Event(), 0.05)
        returned.set()

    with client.stream() as response:
        gate.wait_reached()
        threading.Thread(target=wait, daemon=True).start()
        assert not returned.wait(0.3), "an unfinished reply is activity"
        gate.open()
        response.read()
    assert returned.wait(20)


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_stop_with_process_sets_the_event_at_its_end(
    has_pidfd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
        monkeypatch.setattr(background, "_CHECK_INTERVAL", 0.02)
    stop = threading.Event()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        thread = threading.Thread(target=background.stop_with_process, args=(process.pid, stop), daemon=True)
        thread.start()
        assert not stop.wait(0.1)
    assert stop.wait(20)
    thread.join(20)

    background.stop_with_process(process.pid, again := threading.Event())
    assert again.is_set(), "a process that has ended already"
