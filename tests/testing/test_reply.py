"""`Reply`: every form of a streamed reply."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Gate, Reply
from tests.testing.conftest import DONE, message

if TYPE_CHECKING:
    from chatgpt_browser.testing import Conversation
    from tests.testing.conftest import Said, Serve, Visit, Visitor


def say(visitor: Visitor, reply: Reply) -> Said:
    visitor.server.script(reply)
    return visitor.say("Hello")


def conversation_of(visitor: Visitor) -> Conversation:
    (conversation,) = visitor.server.conversations.values()
    return conversation


def test_reply_events_contain_text_so_far(visitor: Visitor) -> None:
    said = say(visitor, Reply("Hello,  dear\nworld! "))

    assert said.texts == ["Hello,", "Hello,  dear", "Hello,  dear\nworld!", "Hello,  dear\nworld! "]
    assert said.data[-1] == DONE
    assert said.response.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_reply_event_has_fields_of_site(visitor: Visitor) -> None:
    said = say(visitor, Reply("a b"))
    first, last = said.replies

    assert said.events[-1].keys() == {"message", "conversation_id", "error"}
    assert said.events[-1]["error"] is None
    assert first["author"] == {"role": "assistant", "name": None, "metadata": {}}
    assert first["role"] == "assistant"
    assert first["content"]["content_type"] == "text"
    assert (first["status"], first["end_turn"]) == ("in_progress", None)
    assert (last["status"], last["end_turn"]) == ("finished_successfully", True)
    assert (last["weight"], last["recipient"]) == (1.0, "all")
    assert last["metadata"]["model_slug"] == "text-davinci-002-render"
    assert isinstance(last["create_time"], float)
    assert {message["id"] for message in said.replies} == {conversation_of(visitor).current_node}


def test_reply_starts_with_users_message(visitor: Visitor) -> None:
    said = say(visitor, Reply("a"))
    sent = visitor.server.requests[-1].json["messages"][0]

    roles = [event["message"]["author"]["role"] for event in said.events]
    assert roles == ["system", "user", "assistant"]
    assert said.events[1]["message"]["id"] == sent["id"]
    assert said.events[1]["message"]["content"]["parts"] == ["Hello"]


def test_reply_without_echo_user_has_only_answer(visitor: Visitor) -> None:
    said = say(visitor, Reply("a", echo_user=False))

    assert [event["message"]["role"] for event in said.events] == ["assistant"]


def test_reply_pieces_become_events(visitor: Visitor) -> None:
    said = say(visitor, Reply(pieces=["Hel", "lo", "", "!"]))

    assert said.texts == ["Hel", "Hello", "Hello", "Hello!"]
    assert conversation_of(visitor).history()[-1] == ("assistant", "Hello!")


@pytest.mark.parametrize("reply", [Reply(""), Reply(pieces=[])])
def test_reply_empty_has_one_event(visitor: Visitor, reply: Reply) -> None:
    assert say(visitor, reply).texts == [""]


@pytest.mark.parametrize("ensure_ascii", [False, True])
def test_reply_non_ascii_text_is_intact(visitor: Visitor, ensure_ascii: bool) -> None:
    text = 'naïve "日本" \\ \n 👩‍👩‍👧 🏳️‍🌈 \u2028 \x00 [DONE]'
    said = say(visitor, Reply(pieces=[*text], ensure_ascii=ensure_ascii))

    assert said.text == text
    assert said.response.content.isascii() is ensure_ascii


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_reply_newline_is_used(visitor: Visitor, newline: Any) -> None:
    body = say(visitor, Reply("a b", newline=newline)).response.text

    assert body.endswith(f"data: [DONE]{newline * 2}")
    assert {*re.findall(r"[\r\n]+", body)} == {newline * 2}


def test_reply_without_done_omits_marker(visitor: Visitor) -> None:
    said = say(visitor, Reply("a b", done=False))

    assert (said.text, DONE in said.data) == ("a b", False)


def test_reply_comments_and_empty_data_are_between_events(visitor: Visitor) -> None:
    said = say(visitor, Reply("a b", comments=True, empty_data=True, echo_user=False))

    kinds = [block.partition(":")[0] + ("+" if "{" in block else "") for block in blocks(said)]
    assert kinds == ["", "data", "data+", "", "data", "data+", "", "data", "data"]
    assert all(line.startswith(": ping") for line in blocks(said) if line.startswith(":"))
    assert said.data.count("") == 3


def blocks(said: Said) -> list[str]:
    return [block for block in said.response.text.split("\n\n") if block]


def test_reply_moderation_event_has_no_message(visitor: Visitor) -> None:
    event = say(visitor, Reply("a", moderation=True)).events[-1]

    assert event.keys() == {"conversation_id", "message_id", "is_completion", "moderation_response"}
    assert event["message_id"] == conversation_of(visitor).current_node
    assert event["moderation_response"].keys() == {"flagged", "blocked", "moderation_id"}


def test_reply_error_event_follows_pieces(visitor: Visitor) -> None:
    said = say(visitor, Reply("a b", error="Something went wrong"))

    assert said.events[-1] == {
        "message": None,
        "conversation_id": conversation_of(visitor).id,
        "error": "Something went wrong",
    }
    assert {message["status"] for message in said.replies} == {"in_progress"}


def test_reply_without_final_status_stays_in_progress(visitor: Visitor) -> None:
    last = say(visitor, Reply("a b", final_status=False)).replies[-1]

    assert (last["status"], last["end_turn"]) == ("in_progress", None)


def test_reply_after_done_is_appended(visitor: Visitor) -> None:
    body = say(visitor, Reply("a", after_done=b"data: late\n\n")).response.text

    assert body.endswith("data: [DONE]\n\ndata: late\n\n")


def test_reply_byte_by_byte_sends_one_byte_chunks(visitor: Visitor) -> None:
    visitor.server.script(Reply("é", byte_by_byte=True, echo_user=False))
    body = json.dumps(message("x"))
    head = [
        "POST /backend-api/conversation HTTP/1.1",
        "Host: localhost",
        f"Authorization: {visitor.http.headers['authorization']}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    with socket.create_connection((visitor.server.host, visitor.server.port), timeout=5) as connection:
        connection.sendall("\r\n".join([*head, "", body]).encode())
        raw = b"".join(iter(lambda: connection.recv(65536), b""))

    raw = raw.partition(b"\r\n\r\n")[2]
    assert len(raw) % 6 == 5
    chunks = re.findall(rb"1\r\n(.)\r\n", raw, re.DOTALL)
    text = b"".join(chunks).decode()
    assert json.loads(text.split("\n\n")[0][6:])["message"]["content"]["parts"] == ["é"]
    assert text.endswith("data: [DONE]\n\n")


def test_reply_hold_after_waits_for_gate(visitor: Visitor) -> None:
    gate = Gate()
    visitor.server.script(Reply("one two three", hold_after=2, gate=gate))
    with visitor.stream() as response:
        gate.wait_reached()
        record = visitor.server.requests[-1]
        assert record.events_sent == 2
        assert conversation_of(visitor).history()[-1] == ("assistant", "one two")
        assert not record.finished.is_set()

        gate.open()
        assert response.read().endswith(b"data: [DONE]\n\n")

    assert record.finished.wait(5)
    assert record.events_sent == 3
    assert not record.disconnected.is_set()


@pytest.mark.parametrize(("hold_after", "sent"), [(0, 0), (3, 3), (99, 3)])
def test_reply_hold_after_first_or_last_event(
    visitor: Visitor, hold_after: int, sent: int
) -> None:
    gate = Gate()
    visitor.server.script(Reply("one two three", hold_after=hold_after, gate=gate))
    with visitor.stream() as response:
        gate.wait_reached()
        assert visitor.server.requests[-1].events_sent == sent
        gate.open()
        assert response.read().endswith(b"data: [DONE]\n\n")

    assert gate.arrivals == 1


def test_reply_hold_after_without_gate_raises() -> None:
    with pytest.raises(ValueError, match="gate"):
        Reply(hold_after=1)


def test_reply_negative_interval_raises() -> None:
    with pytest.raises(ValueError, match="interval"):
        Reply(interval=-1)


def test_reply_hang_after_done_keeps_stream_open(visitor: Visitor) -> None:
    visitor.server.script(Reply("a", hang_after_done=True))
    with visitor.stream() as response:
        lines = response.iter_lines()
        assert f"data: {DONE}" in lines
        record = visitor.server.requests[-1]
        assert not record.finished.is_set()

    assert record.disconnected.wait(5)


def test_reply_interval_has_no_drift(visitor: Visitor) -> None:
    visitor.server.script(Reply(pieces=["x"] * 41, interval=5))
    start = time.monotonic()
    visitor.say("Hello")
    elapsed = time.monotonic() - start

    # Never early; and the lateness of 41 timers does not add up (it would be some 1.1 ms each on Linux).
    assert 0.2 <= elapsed < 0.5


def test_reply_ten_thousand_events_are_sent(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(reply=Reply(pieces=["x"] * 10_000)))
    with visitor.stream() as response:
        count = response.read().count(b"data: {")

    assert count == 10_002
    assert visitor.server.requests[-1].events_sent == 10_000
