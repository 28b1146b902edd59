"""`chatgpt-browser doctor --live`: which of the two ways works, and a file about it that tells no secret."""

from __future__ import annotations

import json
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
from chatgpt_browser.cli.doctor.live import QUESTION
from chatgpt_browser.cli.doctor.live_record import FIRST, LAST, Attempt, shape_of, words_of_ours
from chatgpt_browser.testing import BREAK, Answer, Aside, FakeChatGPT, RawBody, Reply
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Invoke

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
    monkeypatch.setattr("chatgpt_browser.cli.doctor.live.PATIENCE", 2000)
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
    assert any(each.get("id") == "modal-close" and each["label"] == "<5 characters>" for each in elements)
    # What a dialog says may be about the person: here it is told, there it is not.
    assert "New terms" in checks["page"]["summary"]
    assert "New terms" not in json.dumps(told)


def test_a_reply_that_makes_no_sense(invoke: Invoke, serve: Any, folder: Path) -> None:
    server = serve(form="app")
    begun = {"message": {"id": "a", "author": {"role": "assistant"}, "content": {"parts": [ANSWER]}}}
    unknown = f'event: delta_encoding\ndata: "v7"\n\ndata: {json.dumps(begun)}\n\ndata: [DONE]\n\n'
    server.script(*[RawBody([unknown.encode()])] * 2)
    _, checks, told, everything = examined(invoke, folder)

    assert "report it, with the file" in checks["page"]["remedy"]
    page = told["ways"]["page"]
    assert (page["outcome"], "'v7'" in page["message"]) == ("UnknownEncodingError", True)
    assert_none_in(everything, secrets=[*secrets_of(server), ANSWER])


def test_a_reply_that_ends_in_an_error(invoke: Invoke, serve: Any, folder: Path) -> None:
    server = serve(form="app")
    server.script(*[Reply(pieces=[ANSWER, " and more"], error="Ada Example's quota", channel="final")] * 2)
    _, checks, told, everything = examined(invoke, folder)

    assert "Ada Example's quota" in checks["page"]["summary"]
    assert "report it, with the file" in checks["page"]["remedy"]
    page = told["ways"]["page"]
    assert (page["outcome"], page["message"]) == ("StreamError", "ChatGPT ended the reply with an error")
    assert "Ada Example" not in json.dumps(told)
    # The conversation that was begun is gone again.
    assert server.conversations and not any(each.is_visible for each in server.conversations.values())


def test_a_site_that_refuses_both(invoke: Invoke, serve: Any, folder: Path) -> None:
    server = serve(form="app")
    server.inject("unusual-activity", times=None, path="/f/conversation")
    code, checks, told, _ = examined(invoke, folder)

    assert code == 10
    assert (checks["fetch"]["status"], checks["page"]["status"]) == ("warning", "problem")
    assert "by hand" in checks["page"]["remedy"]
    page = told["ways"]["page"]
    assert (page["outcome"], page["message"]) == ("UnusualActivityError", "ChatGPTAPI error 403")
    assert page["status"] == 403


def test_a_session_that_ends_meanwhile(invoke: Invoke, serve: Any, folder: Path) -> None:
    def answer(turn: Any) -> Reply:
        server.sign_out()
        server.expire_access_tokens()
        return Reply(ANSWER)

    server = serve(form="app", reply=answer)
    _, checks, told, everything = examined(invoke, folder)

    assert (checks["page"]["status"], told["ways"]["page"]["outcome"]) == ("ok", "works")
    assert "left in your list" in checks["page"]["summary"]
    assert_none_in(everything, secrets=[*secrets_of(server), ANSWER])


def test_a_conversation_that_nobody_has_named(invoke: Invoke, serve: Any, folder: Path) -> None:
    """The site took the message, and its reply broke off before it said where."""

    def answer(turn: Any) -> RawBody:
        server.add_conversation([("user", QUESTION), ("assistant", ANSWER)])
        server.add_conversation([("user", "What is mine stays")])
        return RawBody([b"data: [1]\n\n", BREAK])

    server = serve(form="app", reply=answer)
    _, checks, told, _ = examined(invoke, folder)

    assert told["ways"]["page"]["outcome"] == "StreamInterruptedError"
    assert "left in your list" not in checks["page"]["summary"]
    kept = {each.history()[0][1]: each.is_visible for each in server.conversations.values()}
    assert kept == {QUESTION: False, "What is mine stays": True}


def test_a_status_that_nobody_knows(invoke: Invoke, serve: Any, folder: Path) -> None:
    server = serve(form="app")
    server.script(*[Answer.error(418, "Dear Ada Example: no")] * 2)
    code, checks, told, _ = examined(invoke, folder)

    assert (code, checks["page"]["status"]) == (10, "problem")
    assert "report it, with the file" in checks["page"]["remedy"]
    assert (told["ways"]["page"]["status"], "Ada" in json.dumps(told)) == (418, False)


def test_a_folder_that_cannot_be_written_to(
    invoke: Invoke, serve: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(form="app")
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = invoke("doctor", "--live", "--json")

    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert (result.exit_code, checks["page"]["status"], checks["saved"]["status"]) == (0, "ok", "warning")
    assert "may write to" in checks["saved"]["remedy"]


def test_what_is_said_of_an_error_is_ours() -> None:
    told = [
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
    for error, words in told:
        assert words_of_ours(error) == words


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
    assert shape_of({"role": "Ada Example"}) == {"role": "<11 characters>"}
    # Names of fields are the site's; what has other characters may be a file's or a person's.
    assert shape_of({"ada@example.com": {"my_notes.txt": 1}}) == {
        "<15 characters>": {"<12 characters>": "<number>"}
    }
    assert shape_of({"p": "/message/metadata/ada@example.com/0/-"}) == {
        "p": "/message/metadata/<15 characters>/0/-"
    }


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
