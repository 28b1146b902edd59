"""`Reply`: all options of a streamed reply."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Gate, Reply
from tests.support.site_client import DONE, message_body

if TYPE_CHECKING:
    from chatgpt_browser.testing import Conversation
    from tests.support.site_client import Connect, SendResult, SiteClient, StartServer


def send_scripted(client: SiteClient, reply: Reply) -> SendResult:
    client.server.script(reply)
    return client.send("Hello")


def conversation_of(client: SiteClient) -> Conversation:
    (conversation,) = client.server.conversations.values()
    return conversation


def test_reply_events_contain_text_so_far(client: SiteClient) -> None:
    result = send_scripted(client, Reply("Hello,  dear\nworld! "))

    assert result.texts == ["Hello,", "Hello,  dear", "Hello,  dear\nworld!", "Hello,  dear\nworld! "]
    assert result.data[-1] == DONE
    assert result.response.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_reply_event_has_fields_of_site(client: SiteClient) -> None:
    result = send_scripted(client, Reply("a b"))
    first, last = result.replies

    assert result.events[-1].keys() == {"message", "conversation_id", "error"}
    assert result.events[-1]["error"] is None
    assert first["author"] == {"role": "assistant", "name": None, "metadata": {}}
    assert first["role"] == "assistant"
    assert first["content"]["content_type"] == "text"
    assert (first["status"], first["end_turn"]) == ("in_progress", None)
    assert (last["status"], last["end_turn"]) == ("finished_successfully", True)
    assert (last["weight"], last["recipient"]) == (1.0, "all")
    assert last["metadata"]["model_slug"] == "text-davinci-002-render"
    assert isinstance(last["create_time"], float)
    assert {message["id"] for message in result.replies} == {conversation_of(client).current_node}


def test_reply_starts_with_users_message(client: SiteClient) -> None:
    result = send_scripted(client, Reply("a"))
    sent = client.server.requests[-1].json["messages"][0]

    roles = [event["message"]["author"]["role"] for event in result.events]
    assert roles == ["user", "assistant"]
    assert result.events[0]["message"]["id"] == sent["id"]
    assert result.events[0]["message"]["content"]["parts"] == ["Hello"]


def test_reply_without_echo_user_has_only_answer(client: SiteClient) -> None:
    result = send_scripted(client, Reply("a", echo_user=False))

    assert [event["message"]["role"] for event in result.events] == ["assistant"]


def test_reply_pieces_become_events(client: SiteClient) -> None:
    result = send_scripted(client, Reply(pieces=["Hel", "lo", "", "!"]))

    assert result.texts == ["Hel", "Hello", "Hello", "Hello!"]
    assert conversation_of(client).history()[-1] == ("assistant", "Hello!")


@pytest.mark.parametrize("reply", [Reply(""), Reply(pieces=[])])
def test_reply_empty_has_one_event(client: SiteClient, reply: Reply) -> None:
    assert send_scripted(client, reply).texts == [""]


@pytest.mark.parametrize("ensure_ascii", [False, True])
def test_reply_non_ascii_text_is_intact(client: SiteClient, ensure_ascii: bool) -> None:
    text = 'naïve "日本" \\ \n 👩‍👩‍👧 🏳️‍🌈 \u2028 \x00 [DONE]'
    result = send_scripted(client, Reply(pieces=[*text], ensure_ascii=ensure_ascii))

    assert result.text == text
    assert result.response.content.isascii() is ensure_ascii


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_reply_newline_is_used(client: SiteClient, newline: Any) -> None:
    body = send_scripted(client, Reply("a b", newline=newline)).response.text

    assert body.endswith(f"data: [DONE]{newline * 2}")
    assert {*re.findall(r"[\r\n]+", body)} == {newline * 2}


def test_reply_without_done_omits_marker(client: SiteClient) -> None:
    result = send_scripted(client, Reply("a b", done=False))

    assert (result.text, DONE in result.data) == ("a b", False)


def test_reply_comments_and_empty_data_are_between_events(client: SiteClient) -> None:
    result = send_scripted(client, Reply("a b", comments=True, empty_data=True, echo_user=False))

    kinds = [block.partition(":")[0] + ("+" if "{" in block else "") for block in blocks(result)]
    assert kinds == ["", "data", "data+", "", "data", "data+", "", "data", "data"]
    assert all(line.startswith(": ping") for line in blocks(result) if line.startswith(":"))
    assert result.data.count("") == 3


def blocks(result: SendResult) -> list[str]:
    return [block for block in result.response.text.split("\n\n") if block]


def test_reply_moderation_event_has_no_message(client: SiteClient) -> None:
    event = send_scripted(client, Reply("a", moderation=True)).events[-1]

    assert event.keys() == {"conversation_id", "message_id", "is_completion", "moderation_response"}
    assert event["message_id"] == conversation_of(client).current_node
    assert event["moderation_response"].keys() == {"flagged", "blocked", "moderation_id"}


def test_reply_error_event_follows_pieces(client: SiteClient) -> None:
    result = send_scripted(client, Reply("a b", error="Something went wrong"))

    assert result.events[-1] == {
        "message": None,
        "conversation_id": conversation_of(client).id,
        "error": {"message": "Something went wrong"},
    }
    assert {message["status"] for message in result.replies} == {"in_progress"}


def test_reply_without_final_status_stays_in_progress(client: SiteClient) -> None:
    last = send_scripted(client, Reply("a b", final_status=False)).replies[-1]

    assert (last["status"], last["end_turn"]) == ("in_progress", None)


def test_reply_after_done_is_appended(client: SiteClient) -> None:
    body = send_scripted(client, Reply("a", after_done=b"data: late\n\n")).response.text

    assert body.endswith("data: [DONE]\n\ndata: late\n\n")


def test_reply_byte_by_byte_sends_one_byte_chunks(client: SiteClient) -> None:
    client.server.script(Reply("é", byte_by_byte=True, echo_user=False))
    body = json.dumps(message_body("x"))
    head = [
        "POST /backend-api/conversation HTTP/1.1",
        "Host: localhost",
        f"Authorization: {client.http.headers['authorization']}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    with socket.create_connection((client.server.host, client.server.port), timeout=5) as connection:
        connection.sendall("\r\n".join([*head, "", body]).encode())
        raw = b"".join(iter(lambda: connection.recv(65536), b""))

    raw = raw.partition(b"\r\n\r\n")[2]
    assert len(raw) % 6 == 5
    chunks = re.findall(rb"1\r\n(.)\r\n", raw, re.DOTALL)
    text = b"".join(chunks).decode()
    assert json.loads(text.split("\n\n")[0][6:])["message"]["content"]["parts"] == ["é"]
    assert text.endswith("data: [DONE]\n\n")


def test_reply_hold_after_waits_for_gate(client: SiteClient) -> None:
    gate = Gate()
    client.server.script(Reply("one two three", hold_after=2, gate=gate))
    with client.stream() as response:
        gate.wait_reached()
        record = client.server.requests[-1]
        assert record.events_sent == 2
        assert conversation_of(client).history()[-1] == ("assistant", "one two")
        assert not record.finished.is_set()

        gate.open()
        assert response.read().endswith(b"data: [DONE]\n\n")

    assert record.finished.wait(20)
    assert record.events_sent == 3
    assert not record.disconnected.is_set()


@pytest.mark.parametrize(("hold_after", "sent"), [(0, 0), (3, 3), (99, 3)])
def test_reply_hold_after_first_or_last_event(client: SiteClient, hold_after: int, sent: int) -> None:
    gate = Gate()
    client.server.script(Reply("one two three", hold_after=hold_after, gate=gate))
    with client.stream() as response:
        gate.wait_reached()
        assert client.server.requests[-1].events_sent == sent
        gate.open()
        assert response.read().endswith(b"data: [DONE]\n\n")

    assert gate.arrivals == 1


def test_reply_hold_after_without_gate_raises() -> None:
    with pytest.raises(ValueError, match="gate"):
        Reply(hold_after=1)


def test_reply_negative_interval_raises() -> None:
    with pytest.raises(ValueError, match="interval"):
        Reply(interval=-1)


def test_reply_hang_after_done_keeps_stream_open(client: SiteClient) -> None:
    client.server.script(Reply("a", hang_after_done=True))
    with client.stream() as response:
        lines = response.iter_lines()
        assert f"data: {DONE}" in lines
        record = client.server.requests[-1]
        assert not record.finished.is_set()

    assert record.disconnected.wait(20)


def test_reply_interval_is_never_early(client: SiteClient) -> None:
    client.server.script(Reply(pieces=["x"] * 41, interval=5))
    start = time.monotonic()
    client.send("Hello")
    elapsed = time.monotonic() - start

    # Never early. The schedule test shows that it is absolute, so that the delays of the timers do not add up.
    assert elapsed >= 0.2


def test_reply_ten_thousand_events_are_sent(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(reply=Reply(pieces=["x"] * 10_000)))
    with client.stream() as response:
        count = response.read().count(b"data: {")

    assert count == 10_001
    assert client.server.requests[-1].events_sent == 10_000


def test_reply_repr_has_text_and_changed_options() -> None:
    assert repr(Reply("Hello")) == "Reply('Hello')"
    assert repr(Reply("Hello", done=False, asides=[])) == "Reply('Hello', done=False, asides=[])"
