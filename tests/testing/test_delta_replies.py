"""Replies in the delta format, with side messages and hand-offs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Aside, FakeChatGPT, Reply

if TYPE_CHECKING:
    from tests.support.site_client import Connect, SiteClient, StartServer

ASIDES = (
    Aside.thoughts("Two and two."),
    Aside.remark("Let me work it out."),
    Aside.tool_call("print(2 + 2)"),
    Aside.tool_output("4"),
    Aside.hidden(),
    Aside.recap(),
)


def blocks(text: str) -> list[tuple[str, Any]]:
    """Return the (type, data) pairs of a body's events; data is parsed except for `[DONE]`."""
    found = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        found.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return found


def parsed_events(client: SiteClient, reply: Reply) -> list[tuple[str, Any]]:
    client.server.script(reply)
    return blocks(client.send("Hello").response.text)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_reply_delta_encoding_sends_deltas_and_notices(client: SiteClient, newline: Any) -> None:
    events = parsed_events(
        client, Reply(pieces=["One", " two", " three", "."], encoding="delta", newline=newline)
    )
    deltas = [data for kind, data in events if kind == "delta"]
    notices = [data["type"] for kind, data in events if kind == "" and data != "[DONE]"]

    assert events[0] == ("delta_encoding", "v1")
    assert [delta["v"]["message"]["author"]["role"] for delta in deltas[:3]] == [
        "system",
        "user",
        "assistant",
    ]
    assert [delta["c"] for delta in deltas[:3]] == [0, 1, 2]
    assert deltas[3:6] == [
        {"p": "/message/content/parts/0", "o": "append", "v": "One"},
        {"v": " two"},
        {"v": " three"},
    ]
    assert (deltas[6]["o"], deltas[6]["v"][0]["v"], deltas[6]["v"][2]["v"]) == ("patch", ".", True)
    assert notices[:3] == ["resume_conversation_token", "input_message", "message_marker"]
    assert "message_stream_complete" in notices
    assert events[-1] == ("", "[DONE]")


def test_server_encoding_delta_can_be_overridden_by_reply(
    start_server: StartServer, connect: Connect
) -> None:
    client = connect(start_server(encoding="delta"))

    assert client.send("Hello").data[0] == '"v1"'
    client.server.script(Reply("Hi", encoding="whole"))
    assert client.send("Hello").text == "Hi"
    with pytest.raises(ValueError, match="encoding"):
        FakeChatGPT(encoding="v1")  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["whole", "delta"])
def test_reply_asides_precede_answer(client: SiteClient, encoding: Any) -> None:
    reply = Reply("Four.", asides=ASIDES, channel="final", encoding=encoding)
    events = parsed_events(client, reply)
    roots = [data["v"] if kind == "delta" and data.get("p") == "" else data for kind, data in events]
    messages = [root["message"] for root in roots if isinstance(root, dict) and root.get("message")]
    kinds = {
        each["id"]: (each["content"]["content_type"], each["recipient"], each.get("channel"))
        for each in messages
    }

    assert [*kinds.values()][-7:] == [
        ("thoughts", "all", "analysis"),
        ("text", "all", "commentary"),
        ("code", "python", "commentary"),
        ("execution_output", "all", "commentary"),
        ("text", "all", None),
        ("reasoning_recap", "all", "analysis"),
        ("text", "all", "final"),
    ]
    (conversation,) = client.server.conversations.values()
    assert [text for _, text in conversation.history()] == [
        "Hello",
        *(aside.text for aside in ASIDES),
        "Four.",
    ]


def test_reply_handoff_conversation_returns_rest(client: SiteClient) -> None:
    events = parsed_events(client, Reply(pieces=["One", " two", " three"], encoding="delta", handoff_after=1))
    (handoff,) = [
        data for _, data in events if isinstance(data, dict) and data.get("type") == "stream_handoff"
    ]
    states = []
    for _ in range(3):
        tree = client.backend("GET", f"/conversation/{handoff['conversation_id']}").json()
        newest = tree["mapping"][tree["current_node"]]["message"]
        states.append((newest["content"]["parts"][0], newest["status"], newest["end_turn"]))

    assert events[-1] == ("", "[DONE]")
    assert states == [
        ("One two", "in_progress", None),
        ("One two three", "finished_successfully", True),
        ("One two three", "finished_successfully", True),
    ]
