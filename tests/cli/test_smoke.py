"""`chatgpt-browser smoke`: one round trip, its report, and what is saved of one that failed."""

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
from chatgpt_browser.cli.output.steps import Steps
from chatgpt_browser.cli.smoke.junit import junit_xml
from chatgpt_browser.cli.smoke.round_trip import STEPS
from chatgpt_browser.cli.smoke.steps import Journal
from chatgpt_browser.testing import Answer, FakeChatGPT
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Invoke


def shown(output: str) -> list[tuple[str, str]]:
    """The signs and names of the steps' lines."""
    return re.findall(r"^([✓✗–]) +(\w+ \w+)", output, re.MULTILINE)


# ---- through a browser -----------------------------------------------------------------------------------------------


def test_a_round_trip(invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path) -> None:
    report, output = tmp_path / "new" / "smoke.xml", tmp_path / "evidence"

    result = invoke("smoke", "--junit", str(report), "--output", str(output), "--expect", "PONG")

    assert result.exit_code == 0, result.output
    assert shown(result.stdout) == [("✓", step) for step in STEPS]
    assert result.stderr == ""
    assert not output.exists(), "evidence is for failures"
    suite = ET.parse(report).getroot()[0]
    assert [case.get("name") for case in suite.iter("testcase")] == list(STEPS)
    assert suite.attrib["failures"] == "0"
    facts = {fact.get("name"): fact.get("value") for fact in suite.iter("property")}
    assert facts["origin"] == signed_in.origin
    assert re.match(r"Chromium \d", facts["browser"] or "")
    [deletion] = [request for request in signed_in.requests if request.method == "PATCH"]
    assert deletion.json == {"is_visible": False}


def test_a_failure_has_its_exit_code_a_report_and_evidence(
    invoke: Invoke, signed_in: FakeChatGPT, tmp_path: Path
) -> None:
    report, output = tmp_path / "smoke.xml", tmp_path / "evidence"
    signed_in.script(Answer(429, {"detail": "Too many requests in 1 hour. Try again later."}))

    result = invoke("smoke", "--junit", str(report), "--output", str(output))

    assert result.exit_code == 6
    assert [sign for sign, _ in shown(result.stdout)] == [*"✓✓✓✓", "✗", *"–––"]
    assert "error: ChatGPTAPI error 429: Too many requests in 1 hour" in result.stderr
    for name in ("smoke.png", "smoke-trace.zip"):
        assert f"saved: {output / name}" in result.stderr.replace("\n", "")
        assert stat.S_IMODE((output / name).stat().st_mode) == 0o600
    [failure] = ET.parse(report).getroot().iter("failure")
    assert failure.get("type") == "RateLimitError"
    with zipfile.ZipFile(output / "smoke-trace.zip") as trace:
        assert b"backend-api/conversation" in trace.read("trace.network")
    assert_none_in(output, report, result.output, secrets=secrets_of(signed_in))


def test_an_unexpected_reply_is_a_failure_and_leaves_no_conversation(
    invoke: Invoke, signed_in: FakeChatGPT
) -> None:
    result = invoke("smoke", "--expect", "42")

    assert result.exit_code == 1
    assert ("✗", "whole reply") in shown(result.stdout)
    assert "does not contain '42'" in result.stderr
    assert [request.json for request in signed_in.requests if request.method == "PATCH"] == [
        {"is_visible": False}
    ]


def test_no_token_is_the_first_step_that_fails(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path))
    result = invoke("smoke", "--output", str(tmp_path / "evidence"), "--keep")

    assert result.exit_code == 3
    assert shown(result.stdout)[0] == ("✗", "token found")
    assert ("–", "chat deleted") not in shown(result.stdout)
    assert not (tmp_path / "evidence").exists()


# ---- the report, as plain data ---------------------------------------------------------------------------------------


@pytest.fixture
def journal() -> Journal:
    return Journal(Steps(Console(file=io.StringIO())), ["one", "two", "three"])


def test_the_report_counts_what_was_done_failed_and_skipped(journal: Journal) -> None:
    journal.facts["origin"] = "https://one.example/?a=1&b=2"
    journal.done()
    journal.failed(APIStatusError('<detail> "quoted" \x1b[31m\x00 & \ud800 more'))
    journal.failed(ChatGPTError("while the client was closed"))

    root = ET.fromstring(junit_xml(journal).decode())

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


def test_a_journal_ends_with_its_last_step(journal: Journal) -> None:
    for _ in range(4):
        journal.done()

    assert journal.current is None
    assert [result.name for result in journal.results] == ["one", "two", "three"]
