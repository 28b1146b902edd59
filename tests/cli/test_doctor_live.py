"""`chatgpt-browser doctor --live`: which of the two ways works, and a file about it that tells no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ConversationEvent, PageError
from chatgpt_browser.cli.doctor_live import FIRST, LAST, QUESTION, Attempt, shape_of
from chatgpt_browser.testing import Aside, FakeChatGPT, Reply
from tests.searching import assert_none_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Invoke

ANSWER = "A word that nobody else says"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    servers: list[FakeChatGPT] = []

    def start(**options: Any) -> FakeChatGPT:
        server = FakeChatGPT(
            reply=Reply(ANSWER, asides=(Aside.thoughts(),), channel="final"), **options
        ).start()
        servers.append(server)
        monkeypatch.setenv("CHATGPT_SESSION_TOKEN", server.session_token)
        monkeypatch.setenv("CHATGPT_API_BASE_URL", server.api_base_url)
        monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", server.backend_api_base_url)
        return server

    yield start
    for server in servers:
        server.close()


def examined(invoke: Invoke, folder: Path) -> tuple[int, dict[str, Any], dict[str, Any], str]:
    result = invoke("doctor", "--live", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    (path,) = folder.glob("chatgpt-browser-live-*.json")
    assert checks["saved"]["facts"]["path"] == str(path)
    text = path.read_text("utf-8")
    return result.exit_code, checks, json.loads(text), result.output + text


def test_the_site_of_today(invoke: Invoke, serve: Any, folder: Path) -> None:
    server = serve(form="app")
    code, checks, told, everything = examined(invoke, folder)

    assert code == 0
    assert (checks["fetch"]["status"], checks["page"]["status"]) == ("warning", "ok")
    assert "deltas" in checks["page"]["summary"]
    assert told["ways"]["fetch"]["outcome"] == "UnusualActivityError"
    assert told["ways"]["page"]["outcome"] == "works"
    assert_none_in(everything, secrets=[*secrets_of(server), ANSWER, QUESTION, *server.conversations])
    assert not any(each.is_visible for each in server.conversations.values())


def test_the_site_of_2022(invoke: Invoke, serve: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatgpt_browser.cli.doctor_live.PATIENCE", 2000)
    serve()
    code, checks, told, _ = examined(invoke, folder)

    assert (checks["fetch"]["status"], checks["fetch"]["facts"]["form"]) == ("ok", "whole events")
    # It has no composer: within the time that the message was given, none came.
    assert (code, checks["page"]["status"]) == (7, "problem")
    assert told["ways"]["page"]["outcome"] == "ChatGPTTimeoutError"


def test_a_page_that_is_laid_out_otherwise(invoke: Invoke, serve: Any, folder: Path) -> None:
    server = serve(form="app")
    server.modal = "New terms"
    code, checks, told, _ = examined(invoke, folder)

    assert (code, checks["page"]["status"]) == (14, "problem")
    assert "report it" in checks["page"]["remedy"]
    elements = told["ways"]["page"]["page"]
    assert {"tag": "div", "role": "textbox", "label": "Message", "testid": "prompt-textarea"}.items() <= next(
        each for each in elements if each.get("role") == "textbox"
    ).items()
    assert any(each.get("label") == "Close" and each["visible"] for each in elements)


def test_shapes_tell_kinds_and_no_contents() -> None:
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


def test_of_a_long_reply_the_ends_are_kept() -> None:
    attempt = Attempt()
    for number in range(200):
        attempt.note(ConversationEvent({"v": "x" * number}))
    attempt.fail(PageError("no", elements=[{"tag": "div"}]))

    told = attempt.to_json()
    assert (told["outcome"], told["message"], told["page"]) == ("PageError", "no", [{"tag": "div"}])
    events = told["events"]
    assert (events["count"], len(events["first"]), len(events["last"])) == (200, FIRST, LAST)
    assert events["last"][-1] == {"v": "<199 characters>"}
