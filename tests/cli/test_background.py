"""`chatgpt-browser background`, and the commands that use its browser."""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from typer.testing import CliRunner

from chatgpt_browser import (
    AbortController,
    AbortError,
    APIStatusError,
    ChatGPTAPI,
    ChatGPTTimeoutError,
    InvalidSessionTokenError,
    TextDelta,
)
from chatgpt_browser.cli import app, client_factory
from chatgpt_browser.cli.background import commands, control
from chatgpt_browser.cli.background.control import log_path, request_service, stop_service_of
from chatgpt_browser.cli.chat import command as chat_command
from chatgpt_browser.cli.chat import prompt as chat_prompt
from chatgpt_browser.cli.shared_client import client_key, find_shared_client, login_folder
from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply, SentFile
from tests.support.processes import still_running
from tests.support.scripted_site import posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chatgpt_browser._shared_client.client import SharedClient
    from tests.support.cli_fixtures import Invoke, StartCommand

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no background browser")
#: The options of the client that `ask` needs without command-line options.
OPTIONS = {"headless": True, "send_via": "auto", "model": None, "markdown": True}


@dataclass
class Background:
    """A fake server, and a data folder in which a background browser runs that uses this server."""

    server: FakeChatGPT
    folder: Path

    def set_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CHATGPT_SESSION_TOKEN", self.server.session_token)
        monkeypatch.setenv("CHATGPT_API_BASE_URL", self.server.api_base_url)
        monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", self.server.backend_api_base_url)
        monkeypatch.setenv("CHATGPT_DATA_DIR", str(self.folder))

    @contextmanager
    def client(self) -> Iterator[SharedClient]:
        """Yield a client that uses the background browser."""
        shared = find_shared_client(OPTIONS)
        assert shared is not None
        with shared:
            yield shared


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    """Start one background browser for all tests of the module."""
    with FakeChatGPT() as server, pytest.MonkeyPatch.context() as monkeypatch:
        background = Background(server, tmp_path_factory.mktemp("background"))
        background.set_environment(monkeypatch)
        started = CliRunner().invoke(app, ["background", "start"], catch_exceptions=False)
        assert started.exit_code == 0, started.stderr
        try:
            yield background
        finally:
            background.set_environment(monkeypatch)
            request_service("stop", wait_for_end=True)


@pytest.fixture
def background(running: Background, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Background:
    running.set_environment(monkeypatch)
    return running


@pytest.fixture
def no_own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command fail if it creates a client of its own."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise InvalidSessionTokenError("a client of its own")

    monkeypatch.setattr(client_factory, "_new_client", refuse)


@pytest.mark.usefixtures("no_own_client")
def test_ask_uses_the_background_browser_for_reply_files_and_title(
    background: Background, invoke: Invoke, tmp_path: Path
) -> None:
    files = [SentFile.interpreter("table.csv", b"a,b\n")]
    background.server.script(Reply("**Bold** word", files=files))

    result = invoke("ask", "--json", "--plain-text", "--save-files", str(tmp_path), "a question")
    assert result.exit_code == 0, result.stderr
    reply = json.loads(result.stdout)
    assert reply["reply"].startswith("Bold word")
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n"
    with background.client() as api:
        assert api.generate_title(reply["conversation_id"])
    assert "Before that" in invoke("ask", "--continue", "and now?").stdout
    assert posts_of(background.server.requests)[-1].conversation_id == reply["conversation_id"]


def test_background_start_at_the_same_time_as_another_start_reports_its_browser(
    background: Background, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = iter([None, request_service("status")])
    monkeypatch.setattr(commands, "request_service", lambda _: next(statuses))

    result = invoke("background", "start")
    assert (result.exit_code, "already running" in result.stderr) == (0, True), result.stderr
    assert request_service("status") is not None
    assert log_path().exists()


def test_background_start_while_another_process_starts_or_ends_says_so(
    background: Background, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "request_service", lambda _: None)

    result = invoke("background", "start")
    assert (result.exit_code, "starting or ending" in result.stderr) == (8, True), result.stderr


@pytest.mark.usefixtures("no_own_client")
def test_ask_prints_the_warnings_of_the_background_browser_about_its_reply(
    background: Background, invoke: Invoke
) -> None:
    with background.server.inject("length-limit"):
        cut = invoke("ask", "a question")
    whole = invoke("ask", "--verbose", "a question")

    assert cut.stderr == "warning: the reply is incomplete: the site ended it with 'max_tokens'\n"
    assert "incomplete" not in whole.stderr
    assert "the site has accepted the message" in whole.stderr


@pytest.mark.usefixtures("no_own_client")
def test_ask_verbose_names_the_background_process_once(background: Background, invoke: Invoke) -> None:
    assert invoke("ask", "--verbose", "a question").stderr.count("using the browser of process") == 1


@pytest.mark.usefixtures("no_own_client")
@pytest.mark.parametrize("command", [("models",), ("history", "list"), ("history", "show", "last")])
def test_command_uses_the_background_browser_unless_no_background_is_given(
    background: Background, invoke: Invoke, command: tuple[str, ...]
) -> None:
    invoke("ask", "a question for the history")

    result = invoke(*command)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout
    assert invoke(*command, "--no-background").exit_code == 3


@pytest.mark.usefixtures("no_own_client")
def test_chat_uses_the_background_browser(
    background: Background, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = (
        "One",
        "Two",
        "/retry",
        "/effort extended",
        "/effort default",
        "/open last",
        "/model auto",
        "Three",
    )
    lines = iter([*texts, "/quit"])
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(chat_command, "sys", terminal)
    monkeypatch.setattr(chat_prompt, "create_prompt", lambda _: None)
    monkeypatch.setattr(chat_command, "read_line", lambda _: next(lines))

    result = invoke("chat")
    assert (result.exit_code, "error" in result.stderr) == (0, False), result.stderr
    assert 'You said: "Two". Before that you said: "One".' in result.stdout
    assert 'You said: "Three".' in result.stdout
    assert posts_of(background.server.requests)[-1].json["model"] == "auto"


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({"CHATGPT_SESSION_TOKEN": "another"}, {}),
        ({"CHATGPT_API_BASE_URL": "http://127.0.0.1:1/api"}, {}),
        ({"CHATGPT_BROWSER_URL": "chrome"}, {}),
        ({"HTTPS_PROXY": "http://127.0.0.1:1"}, {}),
        ({"CHATGPT_MESSAGES_PER_HOUR": "40"}, {}),
        ({}, {"headless": False}),
        ({}, {"send_via": "page"}),
        ({}, {"user_data_dir": "profile"}),
        ({}, {"proxy": "http://127.0.0.1:1"}),
    ],
)
def test_find_shared_client_with_another_session_or_other_options_finds_none(
    background: Background,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: dict[str, Any],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert find_shared_client(OPTIONS | options) is None


def test_find_shared_client_with_options_of_single_calls_finds_it(background: Background) -> None:
    for options in ({}, {"markdown": False}, {"model": "gpt-5"}, {"send_via": "auto"}):
        shared = find_shared_client({"headless": True} | options)
        assert shared is not None
        shared.close()


def test_background_start_while_it_runs_changes_nothing(background: Background, invoke: Invoke) -> None:
    before = json.loads(invoke("background", "status", "--json").stdout)

    result = invoke("background", "start")
    assert (result.exit_code, "already running" in result.stderr) == (0, True)
    result = invoke("background", "start", "--send-via", "page")
    assert (result.exit_code, "with another session or other options" in result.stderr) == (8, True)
    after = json.loads(invoke("background", "status", "--json").stdout)
    assert (before["running"], before["pid"], before["idle_timeout"]) == (True, after["pid"], 900)
    assert invoke("background", "status").stdout.startswith(f"running: process {after['pid']}, since ")


def test_shared_client_errors_are_those_of_the_client(background: Background) -> None:
    gate = Gate()
    # A rate limit would be remembered in the background process, and would stop the messages of the other tests.
    too_long = {"message": "too long", "code": "message_length_exceeds_limit"}
    background.server.script(Answer(413, {"detail": too_long}))
    # On a slow machine, the time limit may pass before the message is sent. Then this reply is not used.
    background.server.when("second", Reply("one two", hold_after=1, gate=gate))
    with background.client() as api:
        with pytest.raises(APIStatusError) as refused, api.stream_message("first") as stream:
            list(stream.events())
        with (
            pytest.raises(ChatGPTTimeoutError) as late,
            api.stream_message("second", timeout_ms=500) as stream,
        ):
            list(stream.events())
        gate.open()
        with (
            pytest.raises(ValueError, match="model must not be empty"),
            api.stream_message("x", model=" ") as stream,
        ):
            list(stream.events())

    assert (refused.value.status_code, refused.value.code) == (413, too_long["code"])
    assert (late.value.limit, late.value.seconds) == ("timeout_ms", 0.5)


def test_shared_stream_abort_signal_stops_the_answer(background: Background) -> None:
    gate, controller = Gate(), AbortController()
    background.server.script(Reply("one two", hold_after=1, gate=gate))

    with background.client() as api, pytest.raises(AbortError, match="enough"):
        with api.stream_message("stop me", abort_signal=controller.signal) as stream:
            for event in stream.events():
                if isinstance(event, TextDelta):
                    threading.Thread(target=controller.abort, args=("enough",)).start()
    assert stream.text == "one"
    assert posts_of(background.server.requests)[-1].disconnected.wait(60)
    gate.open()


@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_ask_that_is_interrupted_or_killed_stops_the_answer(
    background: Background, start_command: StartCommand, invoke: Invoke, end: signal.Signals, code: int
) -> None:
    gate = Gate()
    background.server.script(Reply("one two", hold_after=1, gate=gate))

    process = start_command("ask", "a question")
    assert process.stdin is not None
    process.stdin.close()
    assert gate.reached.wait(60)
    process.send_signal(end)
    assert process.wait(60) == code
    process.stdin = None
    process.communicate()
    assert posts_of(background.server.requests)[-1].disconnected.wait(60)
    gate.open()
    assert invoke("ask", "next").stdout == 'You said: "next".\n'


def test_shared_conversation_advances_with_each_reply(background: Background) -> None:
    with background.client() as api:
        conversation = api.get_conversation()
        for message in ("first", "second"):
            with conversation.stream_message(message) as stream:
                list(stream.events())
        assert stream.conversation_id is not None
        history = api.get_history(stream.conversation_id)

    assert conversation.parent_message_id == history.current_node
    assert [message.text for message in history.visible_messages][::2] == ["first", "second"]


@pytest.mark.long
@pytest.mark.timing
def test_first_word_takes_at_most_a_fifth_longer_than_with_an_open_client(background: Background) -> None:
    """Measure the time from sending a message to the first word of its reply."""

    def first_word(api: Any) -> float:
        started = perf_counter()
        with api.stream_message("hi") as stream:
            for event in stream.events():
                if isinstance(event, TextDelta):
                    return perf_counter() - started
        raise AssertionError

    with ChatGPTAPI(**background.server.client_options) as own, background.client() as shared:
        times: dict[str, list[float]] = {"own": [], "shared": []}
        for _ in range(40):
            times["own"].append(first_word(own))
            times["shared"].append(first_word(shared))
    own_time, shared_time = (statistics.median(times[name][5:]) for name in ("own", "shared"))

    print(f"open client {own_time * 1000:.1f} ms, background {shared_time * 1000:.1f} ms")  # noqa: T201
    assert shared_time <= 1.2 * own_time


@pytest.mark.parametrize("command", [("login", "--from-file", "{}"), ("logout",)])
def test_login_and_logout_keep_a_background_browser_with_another_session(
    background: Background, invoke: Invoke, tmp_path: Path, command: tuple[str, ...]
) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("")

    invoke(*(part.format(cookies) for part in command))
    assert request_service("status") is not None


def test_background_stop_ends_the_process_and_leaves_nothing(background: Background, invoke: Invoke) -> None:
    status = request_service("status")
    assert status is not None
    process = psutil.Process(status["pid"])

    result = invoke("background", "stop")
    assert result.stderr == f"stopped the background browser (process {status['pid']})\n"
    assert still_running([process]) == []
    assert [path.name for path in background.folder.iterdir() if path.name.startswith("background")] == []
    assert invoke("background", "status").exit_code == 1
    assert "no background browser" in invoke("background", "stop").stderr


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"idle_timeout": None}, "process 7 of `serve`, since 00:00, ends when it is stopped"),
        ({"in_use": True}, "process 7 of `serve`, since 00:00, in use"),
        ({"program": "background"}, "process 7, since 00:00, ends after 900 s without a command"),
    ],
)
def test_background_status_of_serve_names_it(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], expected: str
) -> None:
    started_at = datetime(2026, 11, 28).timestamp()
    status = {"pid": 7, "started_at": started_at, "program": "serve", "idle_timeout": 900, "in_use": False}
    monkeypatch.setattr(commands, "request_service", lambda _: status | changes)

    assert invoke("background", "status").stdout == f"running: {expected}\n"


@pytest.mark.parametrize("program", ["background", "serve"])
def test_stop_service_of_another_login_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], program: str
) -> None:
    calls = []

    def request(name: str, **_: Any) -> dict[str, Any]:
        calls.append(name)
        return {"pid": 7, "program": program, "login": str(tmp_path / "login")}

    monkeypatch.setattr(control, "request_service", request)
    stop_service_of(tmp_path / "other")
    assert calls == ["status"]
    stop_service_of(tmp_path / "login")
    assert calls == ["status", "status", "stop"]
    name = {"background": "the background browser", "serve": "`serve`"}[program]
    assert capsys.readouterr().err == f"stopped {name} (process 7)\n"


def test_login_folder_is_none_if_the_session_comes_from_the_environment(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert login_folder(OPTIONS) == os.path.realpath(data_folder)
    assert login_folder({"browser_context": "default"}) is None
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    assert login_folder(OPTIONS) is None


@pytest.mark.parametrize("command", [("background", "start"), ("ask", "--detach", "a question")])
def test_detached_process_with_a_usage_error_exits_2(
    data_folder: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "a-token")
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "no-url")

    result = invoke(*command)
    assert (result.exit_code, "api_base_url" in result.stderr) == (2, True)
    assert list(data_folder.rglob("*.log"))  # The error comes from the other process.


def test_client_key_depends_on_the_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def key(config: str) -> str:
        path = tmp_path / "config.toml"
        path.write_text(config)
        monkeypatch.setenv("CHATGPT_CONFIG", str(path))
        return client_key(OPTIONS)

    keys = [key(""), key("[pace]\nmin_interval = 2000\n"), key("[pace]\nmessages_per_hour = 40\n")]
    assert len({*keys}) == 3
    monkeypatch.setenv("CHATGPT_MESSAGES_PER_HOUR", "40")
    assert key("") == keys[2]


def test_client_key_does_not_contain_the_token(background: Background) -> None:
    assert background.server.session_token not in client_key(OPTIONS)
