"""The command `python -m chatgpt_browser.testing`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from chatgpt_browser.testing import FAULTS
from chatgpt_browser.testing.__main__ import main
from tests.support.site_client import SiteClient

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-W", "error", "-m", "chatgpt_browser.testing", *options]
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
    origin = description["origin"]
    assert (
        errors
        == f"FakeChatGPT is running at {origin}; press Ctrl-C to stop it.\nWatch page: {origin}/__watch\n"
    )
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
