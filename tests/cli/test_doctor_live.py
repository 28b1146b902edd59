"""`chatgpt-browser doctor --live`: the finding for each transport, and a report without secrets."""

from __future__ import annotations

import json
import platform
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    APIStatusError,
    ConversationEvent,
    DialogInTheWayError,
    MalformedEventError,
    PageError,
    StreamInterruptedError,
)
from chatgpt_browser.cli.doctor import command
from chatgpt_browser.cli.doctor.anonymization import anonymize_message, shape_of
from chatgpt_browser.cli.doctor.checks import Check, Finding, ok
from chatgpt_browser.cli.doctor.live_attempt import FIRST, LAST, LiveAttempt
from chatgpt_browser.cli.doctor.live_checks import CHECKS as LIVE_CHECKS
from chatgpt_browser.cli.doctor.live_checks import QUESTION
from chatgpt_browser.testing import BREAK, Answer, Aside, FakeChatGPT, RawBody, Reply
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chatgpt_browser.cli.doctor.context import CheckContext
    from tests.support.cli_fixtures import Invoke

ANSWER = "An unmistakable reply"
XVFB = shutil.which("Xvfb")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    # Without a display and without Xvfb, no window is opened.
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        "shutil.which", lambda name, *_, which=shutil.which: None if name == "Xvfb" else which(name)
    )
    return tmp_path


@pytest.fixture
def start_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    servers: list[FakeChatGPT] = []

    def start(**options: Any) -> FakeChatGPT:
        reply = Reply(ANSWER, asides=(Aside.thoughts(),), channel="final")
        server = FakeChatGPT(**{"reply": reply} | options).start()
        servers.append(server)
        monkeypatch.setenv("CHATGPT_SESSION_TOKEN", server.session_token)
        monkeypatch.setenv("CHATGPT_API_BASE_URL", server.api_base_url)
        monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", server.backend_api_base_url)
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def page_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command start one browser instead of three: run only the message by the page, and save the report."""

    def session(context: CheckContext) -> Finding:
        context.remember_user(context.client(send_via="page").get_session().user)
        return ok("valid")

    monkeypatch.setattr(command, "CHECKS", (Check("session", session),))
    monkeypatch.setattr(command, "LIVE_CHECKS", [check for check in LIVE_CHECKS if check.name != "fetch"])


def run_doctor_live(invoke: Invoke, folder: Path) -> tuple[int, dict[str, Any], dict[str, Any], str]:
    """Run the command; return the exit code, the checks by name, the report, and all output as text."""
    result = invoke("doctor", "--live", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["window"]["status"] == "skipped"
    (path,) = folder.glob("chatgpt-browser-live-*.json")
    assert checks["saved"]["facts"]["path"] == str(path)
    text = path.read_text("utf-8")
    return result.exit_code, checks, json.loads(text), result.output + text


def test_live_current_site_works_by_page(invoke: Invoke, start_server: Any, folder: Path) -> None:
    server = start_server(form="app")
    code, checks, report, everything = run_doctor_live(invoke, folder)

    assert code == 0
    assert (checks["fetch"]["status"], checks["page"]["status"]) == ("warning", "ok")
    assert "deltas" in checks["page"]["summary"]
    block = everything.partition("```text\n")[2].partition("```")[0]
    assert re.search(r"^page +ok +[\d.]+ s$", block, re.MULTILINE)
    assert re.search(r"^window +skipped", block, re.MULTILINE)
    assert f"Python {platform.python_version()}" in block
    assert "  send_button: name " in block
    assert "Ada" not in block
    assert report["ways"]["fetch"]["outcome"] == "UnusualActivityError"
    assert report["ways"]["page"]["outcome"] == "works"
    assert_none_in(everything, secrets=[*secrets_of(server), ANSWER, QUESTION, *server.conversations])
    assert not any(each.is_visible for each in server.conversations.values())


def test_live_site_of_2022_works_by_fetch(
    invoke: Invoke, start_server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatgpt_browser.cli.doctor.live_checks.PAGE_STEP_SECONDS", 2.0)
    start_server()
    code, checks, report, _ = run_doctor_live(invoke, folder)

    assert (checks["fetch"]["status"], checks["fetch"]["facts"]["form"]) == ("ok", "whole events")
    # That site has no composer.
    assert (code, checks["page"]["status"]) == (14, "problem")
    assert report["ways"]["page"]["outcome"] == "ComposerNotFoundError"
    assert checks["page"]["seconds"] < 20


@pytest.mark.long
@pytest.mark.usefixtures("page_only")
def test_live_modal_dialog_is_a_problem_with_elements(
    invoke: Invoke, start_server: Any, folder: Path
) -> None:
    server = start_server(form="app")
    server.modal = "New terms"
    code, checks, report, _ = run_doctor_live(invoke, folder)

    assert (code, checks["page"]["status"]) == (14, "problem")
    assert "please report it" in checks["page"]["remedy"]
    elements = report["ways"]["page"]["page"]
    assert {"tag": "div", "role": "textbox", "label": "Message", "testid": "prompt-textarea"}.items() <= next(
        each for each in elements if each.get("role") == "textbox"
    ).items()
    assert any(each.get("id") == "modal-close" and each["label"] == "<5 characters>" for each in elements)
    # The text of a dialog may be personal: the summary contains it, the report does not.
    assert "New terms" in checks["page"]["summary"]
    assert "New terms" not in json.dumps(report)


@pytest.mark.usefixtures("page_only")
def test_live_unknown_encoding_is_a_problem(invoke: Invoke, start_server: Any, folder: Path) -> None:
    server = start_server(form="app")
    begun = {"message": {"id": "a", "author": {"role": "assistant"}, "content": {"parts": [ANSWER]}}}
    unknown = f'event: delta_encoding\ndata: "v7"\n\ndata: {json.dumps(begun)}\n\ndata: [DONE]\n\n'
    server.script(RawBody([unknown.encode()]))
    _, checks, report, everything = run_doctor_live(invoke, folder)

    assert "please report it, and attach the file" in checks["page"]["remedy"]
    page = report["ways"]["page"]
    assert (page["outcome"], "'v7'" in page["message"]) == ("UnknownEncodingError", True)
    assert_none_in(everything, secrets=[*secrets_of(server), ANSWER])


@pytest.mark.long
@pytest.mark.usefixtures("page_only")
def test_live_error_event_is_reported_without_contents(
    invoke: Invoke, start_server: Any, folder: Path
) -> None:
    server = start_server(form="app")
    server.script(Reply(pieces=[ANSWER, " and more"], error="Ada Example's quota", channel="final"))
    _, checks, report, everything = run_doctor_live(invoke, folder)

    assert "Ada Example's quota" in checks["page"]["summary"]
    assert "please report it, and attach the file" in checks["page"]["remedy"]
    page = report["ways"]["page"]
    assert (page["outcome"], page["message"]) == ("StreamError", "ChatGPT ended the reply with an error")
    assert "Ada Example" not in json.dumps(report)
    # The new conversation was deleted.
    assert server.conversations and not any(each.is_visible for each in server.conversations.values())


def test_live_refused_messages_are_a_problem(invoke: Invoke, start_server: Any, folder: Path) -> None:
    server = start_server(form="app")
    server.inject("unusual-activity", times=None, path="/f/conversation")
    code, checks, report, _ = run_doctor_live(invoke, folder)

    assert code == 10
    assert (checks["fetch"]["status"], checks["page"]["status"]) == ("warning", "problem")
    assert "by hand" in checks["page"]["remedy"]
    page = report["ways"]["page"]
    assert (page["outcome"], page["message"]) == ("UnusualActivityError", "ChatGPTAPI error 403")
    assert page["status"] == 403


@pytest.mark.usefixtures("page_only")
def test_live_session_expiring_during_reply_hides_tokens(
    invoke: Invoke, start_server: Any, folder: Path
) -> None:
    def answer(turn: Any) -> Reply:
        server.sign_out()
        server.expire_access_tokens()
        return Reply(ANSWER)

    server = start_server(form="app", reply=answer)
    _, checks, report, everything = run_doctor_live(invoke, folder)

    assert (checks["page"]["status"], report["ways"]["page"]["outcome"]) == ("ok", "works")
    assert "still in your list" in checks["page"]["summary"]
    assert_none_in(everything, secrets=[*secrets_of(server), ANSWER])


@pytest.mark.usefixtures("page_only")
def test_live_reply_without_conversation_id_deletes_the_conversation(
    invoke: Invoke, start_server: Any, folder: Path
) -> None:
    """The site accepts the message, but the reply breaks off before the conversation id arrives."""

    def answer(turn: Any) -> RawBody:
        server.add_conversation([("user", QUESTION), ("assistant", ANSWER)])
        server.add_conversation([("user", "The user's own conversation")])
        return RawBody([b"data: [1]\n\n", BREAK])

    server = start_server(form="app", reply=answer)
    _, checks, report, _ = run_doctor_live(invoke, folder)

    assert report["ways"]["page"]["outcome"] == "StreamInterruptedError"
    assert "still in your list" not in checks["page"]["summary"]
    kept = {each.history()[0][1]: each.is_visible for each in server.conversations.values()}
    assert kept == {QUESTION: False, "The user's own conversation": True}


@pytest.mark.long
@pytest.mark.usefixtures("page_only")
def test_live_unknown_status_is_a_problem(invoke: Invoke, start_server: Any, folder: Path) -> None:
    server = start_server(form="app")
    server.script(Answer.error(418, "Dear Ada Example: no"))
    code, checks, report, _ = run_doctor_live(invoke, folder)

    assert (code, checks["page"]["status"]) == (10, "problem")
    assert "please report it, and attach the file" in checks["page"]["remedy"]
    assert (report["ways"]["page"]["status"], "Ada" in json.dumps(report)) == (418, False)


@pytest.mark.long
@pytest.mark.usefixtures("page_only")
def test_live_unwritable_folder_is_a_warning(
    invoke: Invoke, start_server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_server(form="app")
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = invoke("doctor", "--live", "--json")

    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert (result.exit_code, checks["page"]["status"], checks["saved"]["status"]) == (0, "ok", "warning")
    assert "can write to" in checks["saved"]["remedy"]


def test_anonymize_message_removes_text_from_the_site() -> None:
    cases = [
        (APIStatusError("ChatGPTAPI error 500: Ada's things", status_code=500), "ChatGPTAPI error 500"),
        (
            DialogInTheWayError("the site's page shows a dialog ('Hello, Ada'): open it"),
            "the site's page shows a dialog",
        ),
        (PageError('it shows ("Ada\'s things")'), 'it shows ("<12 characters>")'),
        (
            StreamInterruptedError("the reply broke off: net::ERR_FAILED"),
            "the reply broke off: net::ERR_FAILED",
        ),
        (
            MalformedEventError("append at '/message/metadata/ada@example.com/0': nothing is there"),
            "append at '/message/metadata/<15 characters>/0': nothing is there",
        ),
    ]
    for error, message in cases:
        assert anonymize_message(error) == message


def test_shape_of_keeps_kinds_and_no_contents() -> None:
    event = {
        "type": "title_generation",
        "title": "My illness",
        "v": {
            "message": {"author": {"role": "user"}, "content": {"parts": ["secret", 1.5]}, "end_turn": None}
        },
        "c": 3,
    }

    assert shape_of(event) == {
        "type": "title_generation",
        "title": "<10 characters>",
        "v": {
            "message": {
                "author": {"role": "user"},
                "content": {"parts": ["<6 characters>", "<number>"]},
                "end_turn": None,
            }
        },
        "c": 3,
    }
    assert shape_of({"type": "x" * 81}) == {"type": "<81 characters>"}
    assert shape_of({"role": "Ada Example"}) == {"role": "<11 characters>"}
    # The site's field names have only letters and underscores; other keys may be names of files or persons.
    assert shape_of({"ada@example.com": {"my_notes.txt": 1}}) == {
        "<15 characters>": {"<12 characters>": "<number>"}
    }
    assert shape_of({"p": "/message/metadata/ada@example.com/0/-"}) == {
        "p": "/message/metadata/<15 characters>/0/-"
    }


def test_live_attempt_long_reply_keeps_first_and_last_events() -> None:
    attempt = LiveAttempt()
    for number in range(200):
        attempt.record_event(ConversationEvent({"v": "x" * number}))
    attempt.record_error(PageError("no", elements=[{"tag": "div"}]))

    record = attempt.to_json()
    assert (record["outcome"], record["message"], record["page"]) == ("PageError", "no", [{"tag": "div"}])
    events = record["events"]
    assert (events["count"], len(events["first"]), len(events["last"])) == (200, FIRST, LAST)
    assert events["last"][-1] == {"v": "<199 characters>"}


@pytest.mark.skipif(XVFB is None, reason="Xvfb is not installed")
@pytest.mark.long
def test_live_with_xvfb_sends_in_a_window_too(
    invoke: Invoke, start_server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shutil.which", lambda name, *_, which=shutil.which: XVFB if name == "Xvfb" else which(name)
    )
    server = start_server(form="app")
    result = invoke("doctor", "--live", "--json")

    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert (result.exit_code, checks["window"]["status"]) == (0, "ok")
    assert "display: Xvfb :" in checks["window"]["summary"]
    (path,) = folder.glob("chatgpt-browser-live-*.json")
    assert json.loads(path.read_text("utf-8"))["ways"]["page in a window"]["outcome"] == "works"
    assert not any(each.is_visible for each in server.conversations.values())


@pytest.mark.sample(1)
@pytest.mark.usefixtures("page_only")
@pytest.mark.parametrize(("layout", "way"), [("usual", "name"), ("strange", "structure")])
def test_live_report_names_the_selectors_that_matched(
    invoke: Invoke, start_server: Any, folder: Path, layout: str, way: str
) -> None:
    start_server(form="app").layout = layout
    code, _, report, _ = run_doctor_live(invoke, folder)

    matches = report["ways"]["page"]["selectors"]
    assert code == 0
    assert {(each["element"], each["way"]) for each in matches} >= {("message_box", way)}
    assert all(each["pattern"] and each["seen"] for each in matches)
