"""`chatgpt-browser smoke`: the round trip, the JUnit report, and the artifacts of a failure."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from chatgpt_browser import APIStatusError, ChatGPTError
from chatgpt_browser.cli.output.step_lines import StepLines
from chatgpt_browser.cli.smoke.junit_report import junit_xml
from chatgpt_browser.cli.smoke.round_trip import STEPS
from chatgpt_browser.cli.smoke.step_log import StepLog
from chatgpt_browser.testing import Answer, FakeChatGPT
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke


def printed_steps(output: str) -> list[tuple[str, str]]:
    """Return the sign and the name of each printed step."""
    return re.findall(r"^([✓✗–]) +(\w+ \w+)", output, re.MULTILINE)


# ---- with a browser --------------------------------------------------------------------------------------------------


def test_smoke_success_reports_every_step(invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path) -> None:
    report, output = tmp_path / "new" / "smoke.xml", tmp_path / "artifacts"

    result = invoke("smoke", "--junit", str(report), "--output", str(output), "--expect", "PONG")

    assert result.exit_code == 0, result.output
    assert printed_steps(result.stdout) == [("✓", step) for step in STEPS]
    assert result.stderr == ""
    assert not output.exists(), "artifacts are saved only on failure"
    suite = ET.parse(report).getroot()[0]
    assert [case.get("name") for case in suite.iter("testcase")] == list(STEPS)
    assert suite.attrib["failures"] == "0"
    facts = {fact.get("name"): fact.get("value") for fact in suite.iter("property")}
    assert facts["origin"] == signed_in.origin
    assert re.match(r"Chromium \d", facts["browser"] or "")
    assert facts["repetition"] == "Chromium sends no message twice (HTTP/1.1)"
    assert "Repetition: Chromium sends no message twice (HTTP/1.1)." in result.stdout
    [deletion] = [request for request in signed_in.requests if request.method == "PATCH"]
    assert deletion.json == {"is_visible": False}


def test_smoke_failure_has_exit_code_report_and_artifacts(
    invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path
) -> None:
    report, output = tmp_path / "smoke.xml", tmp_path / "artifacts"
    signed_in.script(Answer(429, {"detail": "Too many requests in 1 hour. Try again later."}))

    result = invoke("smoke", "--junit", str(report), "--output", str(output))

    assert result.exit_code == 6
    assert [sign for sign, _ in printed_steps(result.stdout)] == [*"✓✓✓✓", "✗", *"–––"]
    assert "error: ChatGPTAPI error 429: Too many requests in 1 hour" in result.stderr
    for name in ("smoke.png", "smoke-trace.zip"):
        assert f"saved: {output / name}" in result.stderr.replace("\n", "")
        assert stat.S_IMODE((output / name).stat().st_mode) == 0o600
    [failure] = ET.parse(report).getroot().iter("failure")
    assert failure.get("type") == "RateLimitError"
    with zipfile.ZipFile(output / "smoke-trace.zip") as trace:
        assert b"backend-api/conversation" in trace.read("trace.network")
    assert_none_in(output, report, result.output, secrets=secrets_of(signed_in))


def test_smoke_unexpected_reply_fails_and_deletes_the_conversation(
    invoke: Invoke, signed_in: FakeChatGPT
) -> None:
    result = invoke("smoke", "--expect", "42")

    assert result.exit_code == 1
    assert printed_steps(result.stdout)[-3:] == [
        ("✗", "complete reply"),
        ("✓", "chat deleted"),
        ("–", "browser closed"),
    ]
    assert "does not contain '42'" in result.stderr
    assert [request.json for request in signed_in.requests if request.method == "PATCH"] == [
        {"is_visible": False}
    ]


def test_smoke_without_token_fails_at_first_step(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path))
    result = invoke("smoke", "--output", str(tmp_path / "artifacts"), "--keep")

    assert result.exit_code == 3
    assert printed_steps(result.stdout)[0] == ("✗", "token found")
    assert ("–", "chat deleted") not in printed_steps(result.stdout)
    assert not (tmp_path / "artifacts").exists()


# ---- the report ------------------------------------------------------------------------------------------------------


@pytest.fixture
def step_log() -> StepLog:
    return StepLog(StepLines(Console(file=io.StringIO())), ["one", "two", "three"])


def test_junit_xml_counts_done_failed_and_skipped_steps(step_log: StepLog) -> None:
    step_log.properties["origin"] = "https://one.example/?a=1&b=2"
    step_log.done()
    step_log.failed(APIStatusError('<detail> "quoted" \x1b[31m\x00 & \ud800 more'))
    step_log.failed(ChatGPTError("a second error, during close"))

    root = ET.fromstring(junit_xml(step_log).decode())

    suite = root[0]
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    assert [(case.get("name"), [child.tag for child in case]) for case in suite.iter("testcase")] == [
        ("one", []),
        ("two", ["failure"]),
        ("three", ["skipped"]),
    ]
    [failure] = suite.iter("failure")
    assert failure.get("message") == '<detail> "quoted" \N{REPLACEMENT CHARACTER}[31m\ufffd & \ufffd more'
    seconds = [float(element.attrib["time"]) for element in (root, suite, *suite.iter("testcase"))]
    assert all(second >= 0 for second in seconds)
    assert seconds[0] == seconds[1] == pytest.approx(sum(seconds[2:]), abs=0.002)
    assert next(suite.iter("property")).attrib == {"name": "origin", "value": "https://one.example/?a=1&b=2"}


def test_step_log_ends_with_its_last_step(step_log: StepLog) -> None:
    for _ in range(4):
        step_log.done()

    assert step_log.current is None
    assert [result.name for result in step_log.results] == ["one", "two", "three"]
