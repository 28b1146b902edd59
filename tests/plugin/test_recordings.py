"""The fixture `chatgpt_recording`: records cassettes on the real site, replays them, and reports drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import FakeChatGPT, Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import RunInProcess

TALK = """
from chatgpt_browser.testing import Cassette

def test_talk(chatgpt_recording, chatgpt_api):
    assert isinstance(chatgpt_recording, Cassette)
    conversation = chatgpt_api.get_conversation()
    assert conversation.send_message("Who am I? ada@example.com") == "You are ada@example.com, I think."
    with conversation.stream_message("And now?") as stream:
        assert "".join(stream) == "Still the same, ä."
    assert stream.message_id == conversation.parent_message_id
    history = chatgpt_api.get_history(conversation.conversation_id)
    assert history.visible_messages[-1].text.startswith("Still the same")
"""


def script(site: FakeChatGPT, **options: Any) -> None:
    """Let the site answer the two messages of `TALK`, the second in the newer format."""
    site.script(
        Reply(
            "You are ada@example.com, I think.", pieces=["You ", "are ", "ada@ex", "ample.com", ", I think."]
        ),
        Reply("Still the same, ä.", encoding="delta", **options),
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_chatgpt_recording_once_then_none_replays_both_encodings_and_all_reports_drift(
    pytester: pytest.Pytester,
    run_in_process: RunInProcess,
    real_site: FakeChatGPT,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three runs share one project, because each run starts a browser."""
    pytester.makepyfile(test_it=TALK)
    script(real_site)
    result = run_in_process("--chatgpt-record=once")
    result.assert_outcomes(passed=1)
    cassette = pytester.path / "cassettes/test_it/test_talk.jsonl"
    result.stdout.fnmatch_lines(
        [
            "*= tests on the real site =*",
            f"{real_site.origin}, at least 5 s apart:",
            "  test_it.py::test_talk",
            "recorded cassettes/test_it/test_talk.jsonl",
        ]
    )
    text = cassette.read_text("utf-8")
    assert "ada@" not in text and real_site.session_token not in text
    assert {"event", "delta", "append", "end", "session"} <= {key for line in lines(cassette) for key in line}

    # A replay needs neither a token nor the site. The replaced address does not occur in the reply.
    monkeypatch.delenv("CHATGPT_SESSION_TOKEN")
    pytester.makepyfile(
        test_it=TALK.replace('"You are ada@example.com, I think."', '"You are [user], I think."')
    )
    sent = len(real_site.requests)
    result = run_in_process()
    result.assert_outcomes(passed=1)
    assert len(real_site.requests) == sent
    result.stdout.no_fnmatch_line("*tests on the real site*")

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", real_site.session_token)
    pytester.makepyfile(test_it=TALK)
    script(real_site, moderation=True)
    result = run_in_process("--chatgpt-record=all")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "recorded cassettes/test_it/test_talk.jsonl",
            "cassettes/test_it/test_talk.jsonl: the replies of the real site have another shape than the cassette"
            " (1 difference):",
            "  message 2, event 'moderation'",
            "    expected: absent",
            "    received: present",
        ]
    )
    assert "'moderation'" not in text and "moderation" in cassette.read_text("utf-8")


# ---- messages of failures, without a browser ------------------------------------------------------------

CASSETTE = [
    {"recording": 1},
    {"message": "How is the weather in [secret]?"},
    {
        "event": {"message": {"id": "m", "author": {"role": "assistant"}, "content": {"parts": ["Sunny."]}}},
        "at": 0,
    },
    {"end": "done", "at": 0},
    {"message": "And tomorrow?"},
    {"answer": {"status": 429, "body": {"detail": "Too many"}, "headers": {"retry-after": "9"}}, "at": 0},
]
SEND = """
import pytest
from tests.support.site_client import SiteClient

def send(server, *texts):
    client = SiteClient(server)
    with client.http:
        client.sign_in()
        return [client.send(text).response.status_code for text in texts]
"""
REPLAYS = """
def test_in_other_order(chatgpt_recording, chatgpt_server):
    assert not chatgpt_recording.is_live
    assert send(chatgpt_server, "And tomorrow?", "How  is the weather in Rome?") == [429, 200]

def test_other_text(chatgpt_recording, chatgpt_server):
    assert send(chatgpt_server, "How is the weather in Rome?", "And on Sunday?") == [200, 400]

@pytest.mark.chatgpt(match_messages=False)
def test_any_text(chatgpt_recording, chatgpt_server):
    assert send(chatgpt_server, "a", "b") == [200, 429]

@pytest.mark.parametrize("name", ["a/b", "a:b"])
def test_missing(chatgpt_recording, name):
    pass

def test_damaged(chatgpt_recording):
    pass

def test_cut_off(chatgpt_recording):
    pass

def test_folder(chatgpt_recording):
    pass
"""


def write(path: Path, lines: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def test_chatgpt_recording_replay_names_missing_cassettes_and_messages_that_differ(
    pytester: pytest.Pytester, run_in_process: RunInProcess
) -> None:
    pytester.makepyfile(test_it=SEND + REPLAYS)
    for test in ("in_other_order", "other_text", "any_text"):
        write(pytester.path / f"cassettes/test_it/test_{test}.jsonl", CASSETTE)
    write(pytester.path / "cassettes/test_it/test_damaged.jsonl", [{"x": 1}])
    write(pytester.path / "cassettes/test_it/test_cut_off.jsonl", CASSETTE[:3])
    (pytester.path / "cassettes/test_it/test_folder.jsonl").mkdir()
    result = run_in_process()

    result.assert_outcomes(passed=3, errors=6)
    missing = str(result.stdout).partition("ERROR at setup of test_missing[a/b] ")[2]
    name, _, command = missing.partition("there is no cassette ")[2].partition("\n")[0].partition(": ")
    assert name.startswith("cassettes/test_it/test_missing[a-b]-") and name.endswith(".jsonl")
    assert (
        command
        == "to record it on the real site, run pytest --chatgpt-record=once 'test_it.py::test_missing[a/b]'"
    )
    assert str(result.stdout).count(name) <= 2, "the other test has another file"
    result.stdout.fnmatch_lines(
        [
            "*ERROR at setup of test_damaged*",
            "*test_damaged.jsonl is not a valid recording*use --chatgpt-record=all",
            "*test_cut_off.jsonl is not a valid recording*a message has no end*use --chatgpt-record=all",
            "*the cassette cassettes/test_it/test_folder.jsonl is not a regular file",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_other_text*",
            "FakeChatGPT: the test and its script do not agree (2 differences):",
            "",
            "  the cassette cassettes/test_it/test_other_text.jsonl",
            "    expected: the recorded message 'And tomorrow?'",
            "    asked:    'And on Sunday?' (the newest of 2 messages)",
            "",
            "  a message that the cassette cassettes/test_it/test_other_text.jsonl does not contain",
            "    expected: the recorded message 'And tomorrow?' (the nearest)",
            "    asked:    'And on Sunday?'",
        ]
    )


WRONG_ARGUMENTS = """
import pytest

@pytest.mark.chatgpt(replay_speed="slow")
def test_speed(chatgpt_recording):
    pass

@pytest.mark.chatgpt(strickt=True)
def test_unknown_argument(chatgpt_server):
    pass

@pytest.mark.chatgpt("app")
def test_positional_argument(chatgpt_server):
    pass

@pytest.mark.chatgpt(strict=True, reply="Hello.")
def test_invalid_option(chatgpt_server):
    pass
"""


def test_wrong_arguments_of_marker_are_named(pytester: pytest.Pytester, run_in_process: RunInProcess) -> None:
    pytester.makepyfile(test_it=WRONG_ARGUMENTS)
    write(pytester.path / "cassettes/test_it/test_speed.jsonl", CASSETTE)
    result = run_in_process()

    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        [
            "chatgpt_replay_speed must be a number above zero or none, not 'slow'",
            "the marker chatgpt has the unknown argument 'strickt'; it takes assert_all_used, *FakeChatGPT: replies, *",
            "the marker chatgpt takes only keyword arguments, not 'app'",
            "the marker chatgpt has an invalid option: reply answers every message: *",
        ]
    )


@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("chatgpt_live_interval", "often", "a number of milliseconds"),
        ("chatgpt_live_interval", "-1", "a number of milliseconds"),
        ("chatgpt_replay_speed", "0", "a number above zero or none"),
    ],
)
def test_wrong_setting_ends_the_run(
    setting: str, value: str, wanted: str, pytester: pytest.Pytester, run_in_process: RunInProcess
) -> None:
    pytester.makeini(f"[pytest]\n{setting} = {value}")
    result = run_in_process()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(f"ERROR: {setting} must be {wanted}, not '{value}'")


@pytest.mark.parametrize("mode", ["once", "all"])
def test_chatgpt_recording_without_session_token_fails(
    mode: str, pytester: pytest.Pytester, run_in_process: RunInProcess
) -> None:
    pytester.makepyfile(test_it="def test_it(chatgpt_recording): pass")
    result = run_in_process(f"--chatgpt-record={mode}")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        "recording cassettes/test_it/test_it.jsonl needs a session token in CHATGPT_SESSION_TOKEN"
    )


def test_chatgpt_recording_of_failed_test_keeps_the_cassette(
    pytester: pytest.Pytester, run_in_process: RunInProcess, real_site: FakeChatGPT
) -> None:
    pytester.makepyfile(test_it="def test_it(chatgpt_recording): assert False")
    write(pytester.path / "cassettes/test_it/test_it.jsonl", CASSETTE)
    run_in_process("--chatgpt-record=all").assert_outcomes(failed=1)

    assert lines(pytester.path / "cassettes/test_it/test_it.jsonl") == CASSETTE


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of live tests in seconds. They are recorded instead of waited for."""
    found: list[float] = []
    monkeypatch.setattr("chatgpt_browser.pytest_plugin.live._sleep", found.append)
    return found


RUN_TWICE = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
    runtestprotocol(item, nextitem=nextitem, log=True)
    return True
"""
LIVE_AND_FAKE = """
import pytest

runs = []

@pytest.mark.chatgpt_live
def test_live():
    pass

def test_fake(chatgpt_server):
    chatgpt_server.when("weather", "Sunny.")
    runs.append(1)
    if len(runs) == 2:
        pytest.skip("no check of the script after a skip")
"""


def test_repeated_run_of_a_test_is_paced_and_independent(
    pytester: pytest.Pytester,
    run_in_process: RunInProcess,
    real_site: FakeChatGPT,
    pauses: list[float],
) -> None:
    pytester.makeconftest(RUN_TWICE)
    pytester.makepyfile(test_it=LIVE_AND_FAKE)
    run_in_process().assert_outcomes(passed=1, skipped=1)

    assert len(pauses) == 1 and 0 < pauses[0] <= 5


# ---- tests on the real site ---------------------------------------------------------------------------

LIVE = """
import pytest

@pytest.mark.chatgpt_live
def test_one(chatgpt_recording, chatgpt_api):
    token = chatgpt_api.ensure_auth()
    cookie = chatgpt_api.session_token
    print("printed", cookie)
    assert chatgpt_api.send_message("How is the weather?") == "Sunny."
    raise ValueError("no such thing: " + token)

@pytest.mark.chatgpt_live
def test_two(chatgpt_server):
    pass
"""


def test_chatgpt_live_tests_are_paced_and_named_and_show_no_secret(
    pytester: pytest.Pytester,
    run_in_process: RunInProcess,
    real_site: FakeChatGPT,
    pauses: list[float],
) -> None:
    """The cassette of a marked test is compared with the site, but it is not written."""
    pytester.makeini("[pytest]\nchatgpt_live_interval = 60000")
    pytester.makepyfile(test_it=LIVE)
    real_site.script("Sunny.")
    write(pytester.path / "cassettes/test_it/test_one.jsonl", CASSETTE)
    result = run_in_process("--showlocals", "--tb=long", "-rA", f"--junitxml={pytester.path / 'report.xml'}")

    result.assert_outcomes(failed=1, passed=1)
    assert len(pauses) == 1 and 0 < pauses[0] <= 60
    result.stdout.fnmatch_lines(
        [
            f"{real_site.origin}, at least 60 s apart:",
            "  test_it.py::test_one",
            "*have another shape than the cassette*",
        ]
    )
    result.stdout.no_fnmatch_line("recorded *")
    assert lines(pytester.path / "cassettes/test_it/test_one.jsonl") == CASSETTE
    report = str(result.stdout) + str(result.stderr) + (pytester.path / "report.xml").read_text("utf-8")
    assert "no such thing: [secret]" in report and "printed [secret]" in report and "token" in report
    assert "eyJ" not in report and real_site.session_token[:40] not in report
