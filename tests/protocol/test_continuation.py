"""The rest of a reply outside its response, as plain data: hand-offs, frames of a WebSocket, and the join of a resumed stream."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from chatgpt_browser._protocol.continuation import (
    Origin,
    ReadEvents,
    SocketItem,
    read_document,
    read_handoff,
    read_resume_token,
    read_socket_frame,
)
from chatgpt_browser._protocol.sse import DONE

TOPIC = "conversation-turn-t"
EVENT = 'event: delta\ndata: {"v": "a"}'
DATA = f"{EVENT}\n\n".encode()


def event(data: Any, kind: str = "") -> dict[str, str]:
    """Return an unparsed event."""
    return {"type": kind, "data": data if isinstance(data, str) else json.dumps(data)}


def item(topic: str | None = TOPIC, **fields: Any) -> dict[str, Any]:
    """Return an item of a topic, as the site sends it."""
    payload = {"type": "stream-item", "encoded_item": EVENT, **fields}
    named = {} if topic is None else {"topic_id": topic}
    return {"type": "message", **named, "payload": {"type": "conversation-turn-stream", "payload": payload}}


def test_read_handoff_returns_topics_of_options_and_turn() -> None:
    options = [{"type": "subscribe_ws_topic", "topic_id": TOPIC}, {"type": "resume_sse_endpoint"}, None]
    notice = {
        "type": "stream_handoff",
        "conversation_id": "c",
        "turn_exchange_id": "x",
        "options": options,
    }

    assert read_handoff(event(notice)) == Origin("c", frozenset([TOPIC, "conversation-turn-x"]))
    assert read_handoff(event({"type": "stream_handoff", "options": None})) == Origin()


@pytest.mark.parametrize(
    "other",
    ["an added text", event('{"v": "stream_handoff"}'), event('{"v": "\\"stream_handoff\\""'), event(DONE)],
)
def test_read_handoff_of_another_event_returns_none(other: Any) -> None:
    assert read_handoff(other) is None
    assert read_resume_token(other) is None


def test_read_resume_token_returns_conversation_without_token() -> None:
    notice = {"type": "resume_conversation_token", "token": "secret", "conversation_id": "c"}

    assert read_resume_token(event(notice)) == Origin("c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"wss_url": "wss://x", "conversation_id": "c"}', Origin("c")),
        ('{"wss_url": "wss://x"}', None),
        ('{"detail": "No.", "conversation_id": "c"}', None),
        ("<p>", None),
    ],
)
def test_read_document_returns_origin_of_announced_reply(text: str, expected: Origin | None) -> None:
    assert read_document(text) == expected


@pytest.mark.parametrize(
    ("frame", "items"),
    [
        ([item(stream_item_id="1"), item("other")], [(TOPIC, None, "1"), ("other", None, None)]),
        (item(conversation_id="c", stream_item_id=7), [(TOPIC, "c", "7")]),
        (
            [{"id": 2, "type": "reply", "reply": {"topic_id": TOPIC, "catchups": [item(None), item(None)]}}],
            [(TOPIC, None, None)] * 2,
        ),
        ({"type": "message", "data": {"type": "conversation-turn-complete"}}, []),
        ({"encoded_item": 1}, []),
    ],
)
def test_read_socket_frame_returns_items_with_their_names(frame: Any, items: list[Any]) -> None:
    found = read_socket_frame(json.dumps(frame))

    assert [(each.topic, each.conversation_id, each.id) for each in found] == items
    assert {each.data for each in found} <= {DATA}


def test_read_socket_frame_of_older_form_decodes_base64() -> None:
    part = base64.b64encode(b"data: {}").decode()
    body = {"type": "http.response.body", "body": part, "conversation_id": "c", "response_id": "r"}

    assert read_socket_frame(json.dumps({"type": "message", "data": body})) == [
        SocketItem(b"data: {}", None, "c")
    ]


@pytest.mark.parametrize("payload", ["", "no JSON", '"encoded_item"', '["encoded_item"', "[" * 20_000])
def test_read_socket_frame_of_damaged_frame_is_empty(payload: str) -> None:
    assert read_socket_frame(payload) == []


@pytest.mark.parametrize(
    ("found", "origin", "belongs"),
    [
        (SocketItem(DATA, TOPIC), Origin("c", frozenset([TOPIC])), True),
        (SocketItem(DATA, "other", "c"), Origin("c", frozenset([TOPIC])), False),
        (SocketItem(DATA, None, "c"), Origin("c", frozenset([TOPIC])), True),
        (SocketItem(DATA, None, "d"), Origin("c"), False),
        (SocketItem(b'data: {"conversation_id": "c"}\n\n', TOPIC), Origin("c"), True),
        (SocketItem(DATA, TOPIC), Origin("c"), False),
        (SocketItem(DATA, TOPIC, "c"), Origin(), False),
    ],
)
def test_socket_item_belongs_to_its_topic_or_conversation(
    found: SocketItem, origin: Origin, belongs: bool
) -> None:
    assert found.belongs_to(origin) is belongs


ENCODING = event('"v1"', "delta_encoding")
TOKEN = event({"type": "resume_conversation_token", "token": "t", "conversation_id": "c"})
A, B, C = (event({"v": letter}, "delta") for letter in "abc")


def joined(read: list[Any], offset: int, resumed: list[Any]) -> list[Any] | None:
    """Return the new events of a resumed stream without its preamble; None if events are missing."""
    events = ReadEvents()
    events.add([ENCODING, TOKEN, *read])
    if not events.resume_at(offset):
        return None
    return [
        each for each in events.without_overlap([ENCODING, TOKEN, *resumed]) if each not in (ENCODING, TOKEN)
    ]


@pytest.mark.parametrize(
    ("read", "offset", "resumed", "fresh"),
    [
        ([A, B], 3, [C], [C]),
        ([A, B], 2, [B, C], [C]),
        ([A, B], 1, [A, B, C], [C]),
        ([A, A], 2, [A, A], [A]),
        ([A, B], 2, [C], [C]),  # the page does not count the encoding
        ([A, B], 4, [C], None),
        ([A, B], 0, [A, B, C], [A, B, C]),
        ([A, event({"type": "stream_handoff"}), event(DONE)], 3, [B], [B]),
    ],
    ids=["exact", "page has read less", "all", "equal events", "other count", "gap", "repeats", "hand-off"],
)
def test_resumed_stream_joins_the_events_read_before(
    read: list[Any], offset: int, resumed: list[Any], fresh: list[Any] | None
) -> None:
    assert joined(read, offset, resumed) == fresh


def test_second_resumed_stream_joins_the_first_one() -> None:
    events = ReadEvents()
    events.add([ENCODING, TOKEN, A])
    assert events.resume_at(2)
    assert events.without_overlap([ENCODING, TOKEN, B]) == [ENCODING, TOKEN, B]

    assert events.resume_at(3)
    assert events.without_overlap([C]) == [C]
