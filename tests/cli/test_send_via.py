"""`--send-via` and `CHATGPT_SEND_VIA`: how the commands send, what is remembered, and the hints in errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import UnusualActivityError
from chatgpt_browser._core.page_only_origins import FILE_NAME
from chatgpt_browser._protocol.error_responses import challenge_error
from chatgpt_browser._transport.fetch.transport import FetchTransport
from chatgpt_browser.cli import client_factory
from chatgpt_browser.cli.exit_codes import error_object
from chatgpt_browser.cli.output.option_names import IN_COMMAND_LINE_TERMS, message_of
from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke, StartCommand

FETCH, PAGE = "/backend-api/conversation", "/backend-api/f/conversation"


@pytest.fixture
def server() -> Iterator[FakeChatGPT]:
    """Start a site that accepts messages only from its own page, in place of the plain server of all tests."""
    with FakeChatGPT(form="app") as server:
        yield server


def sent_by(server: FakeChatGPT) -> list[str]:
    return [r.path for r in server.requests if r.method == "POST" and r.path in (FETCH, PAGE)]


def run(start_command: StartCommand, *arguments: str) -> tuple[int, str, str]:
    process = start_command(*arguments)
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


def test_ask_new_process_sends_by_page_and_the_next_repeats_no_refusal(
    signed_in: FakeChatGPT, start_command: StartCommand, data_folder: Path
) -> None:
    for number in range(2):
        code, stdout, stderr = run(start_command, "ask", f"Hello {number}")
        assert (code, stdout, stderr) == (0, f'You said: "Hello {number}".\n', "")
    assert sent_by(signed_in) == [FETCH, PAGE, PAGE]
    assert list(json.loads((data_folder / FILE_NAME).read_text())) == [signed_in.origin]


def test_ask_send_via_page_sends_no_fetch(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    result = invoke("ask", "Hello", "--send-via", "page")
    assert result.stdout == 'You said: "Hello".\n'
    assert sent_by(signed_in) == [PAGE]


def test_ask_send_via_fetch_refused_names_the_option(
    invoke: Invoke, signed_in: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_SEND_VIA", "page")  # the option takes precedence
    result = invoke("ask", "Hello", "--send-via", "fetch")
    assert result.exit_code == 10
    assert "try --send-via page" in result.stderr
    assert "send_via" not in result.stderr
    assert sent_by(signed_in) == [FETCH]


def test_batch_send_via_fetch_refused_names_the_option(
    invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path
) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("Hello\n")
    result = invoke("batch", str(prompts), "-o", str(tmp_path / "out.jsonl"), "--send-via", "fetch")
    assert result.exit_code == 10
    assert "try --send-via page" in result.stderr


def test_smoke_on_site_that_requires_its_page_succeeds(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    assert invoke("smoke").exit_code == 0
    assert sent_by(signed_in) == [FETCH, PAGE]


def test_ask_refused_by_both_ways_prints_one_error(invoke: Invoke, signed_in: FakeChatGPT) -> None:
    signed_in.inject("unusual-activity", times=None, path="/f/conversation")
    result = invoke("ask", "Hello")
    assert result.exit_code == 10
    assert result.stderr.count("error: ") == 1
    assert "although its own page sent it" in result.stderr
    assert sent_by(signed_in) == [FETCH, PAGE]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the options that a command passes to the client. No client is created."""
    given: dict[str, Any] = {}

    def create(kind: type, token: str, **options: Any) -> None:
        given.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(client_factory, "_create_client", create)
    return given


@pytest.mark.parametrize("command", ["ask", "chat", "batch", "smoke"])
def test_commands_that_send_pass_the_option_to_the_client(
    command: str,
    invoke: Invoke,
    given: dict[str, Any],
    signed_in: FakeChatGPT,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    (tmp_path / "prompts.txt").write_text("Hello\n")
    arguments = {
        "ask": ["Hello"],
        "batch": [str(tmp_path / "prompts.txt"), "-o", str(tmp_path / "out.jsonl")],
    }
    if command == "chat":  # needs a terminal
        assert "--send-via" in invoke(command, "--help").stdout
        return
    invoke(command, *arguments.get(command, []))
    assert given["send_via"] == "auto"
    invoke(command, *arguments.get(command, []), "--send-via", "page")
    assert given["send_via"] == "page"


@pytest.mark.parametrize("variable", [False, True])
def test_send_via_unknown_value_is_a_usage_error(
    invoke: Invoke, signed_in: FakeChatGPT, variable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv("CHATGPT_SEND_VIA", "pigeon")
    result = invoke("ask", "Hello", *(() if variable else ("--send-via", "pigeon")))
    assert result.exit_code == 2
    assert "pigeon" in result.output


@pytest.mark.parametrize(("value", "send_via"), [("page", "page"), ("fetch", "fetch"), ("", "auto")])
def test_send_via_variable_is_passed_to_the_client(
    invoke: Invoke,
    given: dict[str, Any],
    signed_in: FakeChatGPT,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    send_via: str,
) -> None:
    monkeypatch.setenv("CHATGPT_SEND_VIA", value)
    invoke("ask", "Hello")
    assert given["send_via"] == send_via


def test_message_of_library_errors_names_options_of_the_command_line() -> None:
    refusal = UnusualActivityError(f"refused ({FetchTransport.unusual_activity_advice})")
    assert 'send_via="page"' in str(refusal)
    assert error_object(refusal)["message"] == message_of(refusal)
    challenge = challenge_error("a check")
    assert "headless=False" in str(challenge)
    for error in (refusal, challenge):
        assert not any(argument in message_of(error) for argument in IN_COMMAND_LINE_TERMS)
    assert "use --headed" in message_of(challenge)
