"""Tests of events that are not messages, and of events that are errors, in each form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser import MalformedEventError, ModerationError, StreamError
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser._protocol.sse import EventReader
from tests.support.reply_events import DONE, ENCODING, FINISHED, TEXT, item, message, root, whole

WHOLE = [item(whole("Hel", status="in_progress")), item(whole("Hello", status="finished_successfully"))]
DELTAS = [
    ENCODING,
    item(root("Hel", status="in_progress"), "delta"),
    item({"p": TEXT, "o": "append", "v": "l"}, "delta"),
    item({"v": "o"}, "delta"),
    item(FINISHED, "delta"),
]
NOISE_TYPES = ["ping", "heartbeat", "keep-alive", "PING"]
NOISE_DATA = [
    "2026-11-28T09:30:00.123456",
    "",
    "ping",
    "{",
    "[DONE",
    "1732786200",
    '"now"',
    "{}",
    '{"v": "!"}',
    "null",
]


def read(items: list[dict[str, str]], *, done: bool = True) -> str:
    reader = ReplyReader()
    for each in items:
        reader.feed(each)
    if done:
        reader.feed(DONE)
    else:
        reader.end()
    assert reader.done
    return reader.text


@pytest.mark.parametrize("events", [WHOLE, DELTAS], ids=["whole", "delta"])
@pytest.mark.parametrize("data", NOISE_DATA)
@pytest.mark.parametrize("kind", NOISE_TYPES)
def test_feed_event_of_other_type_between_events_is_ignored(
    kind: str, data: str, events: list[dict[str, str]]
) -> None:
    noise = {"type": kind, "data": data}
    mixed = [noise, *(each for event in events for each in (event, noise))]

    assert read(mixed) == "Hello"


@given(
    kind=st.text(min_size=1).filter(lambda kind: kind not in ("message", "delta", "error", "delta_encoding")),
    data=st.text(),
)
def test_feed_event_of_any_other_type_with_any_text_is_ignored(kind: str, data: str) -> None:
    noise = {"type": kind, "data": f"- {data}"}  # never JSON

    assert read([noise, *(each for event in DELTAS for each in (event, noise))]) == "Hello"


@pytest.mark.parametrize("events", [WHOLE, DELTAS], ids=["whole", "delta"])
def test_end_after_unended_ping_completes_reply(events: list[dict[str, str]]) -> None:
    ping = {"type": "ping", "data": "2026-11-2", "unended": "yes"}

    assert read([*events, ping], done=False) == "Hello"


@pytest.mark.parametrize("kind", ["", "message", "delta"])
def test_feed_message_event_without_json_raises(kind: str) -> None:
    with pytest.raises(MalformedEventError):
        ReplyReader().feed({"type": kind, "data": "2026-11-28T09:30:00"})


def test_event_reader_ping_in_bytes_is_one_event() -> None:
    body = b"event: ping\r\ndata: 2026-11-28 09:30:00\r\n\r\n: comment\r\n\r\nevent: heartbeat\r\n\r\n"

    assert EventReader().feed(body) == [{"type": "ping", "data": "2026-11-28 09:30:00"}]


# ---- errors ----------------------------------------------------------------------------------------------------------

ERRORS: list[tuple[Any, str]] = [
    ({"error": "Too busy."}, "Too busy."),
    ({"message": None, "conversation_id": "c", "error": "Too busy."}, "Too busy."),
    ({"error": {"message": "Too busy.", "code": "busy"}}, "Too busy. (busy)"),
    ({"error": {"message": "Too busy.", "type": "server_error", "param": None, "code": None}}, "Too busy."),
    ({"error": {"error": {"message": "Too busy.", "code": "busy"}}}, "Too busy. (busy)"),
    ({"error": {"detail": {"message": "Too busy."}}}, "Too busy."),
    ({"error": ["Too busy.", {"message": "Later."}]}, "Too busy.; Later."),
    ({"error": {"code": "busy"}}, "busy"),
    ({"error": "Too busy.", "error_code": "busy"}, "Too busy. (busy)"),
    ({"error_code": "busy"}, "busy"),
    ({"error": True}, "the site did not give a reason"),
    ({"type": "error", "message": "Too busy."}, "Too busy."),
    ({"type": "error", "message": {"text": "Too busy."}}, "Too busy."),
    ({"type": "error", "detail": [{"loc": ["body", "model"], "msg": "unknown"}]}, "body.model: unknown"),
    ({"type": "error"}, "the site did not give a reason"),
    ({"detail": {"message": "Too busy.", "code": "busy", "clears_in": 9}}, "Too busy. (busy)"),
    ({"detail": "Too busy."}, "Too busy."),
    ({"error": {"strange": 1}}, '{"strange": 1}'),
    (
        {"v": {"message": None, "error": {"message": "Too busy.", "code": "busy"}}, "p": "", "o": "add"},
        "Too busy. (busy)",
    ),
]


@pytest.mark.parametrize(("event", "words"), ERRORS, ids=[json.dumps(event)[:60] for event, _ in ERRORS])
def test_feed_error_in_any_form_raises_with_words_of_the_site(event: dict[str, Any], words: str) -> None:
    with pytest.raises(StreamError) as raised:
        ReplyReader().feed(item(event))

    assert str(raised.value) == f"ChatGPT ended the reply with an error: {words}"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Too busy.", "Too busy."),
        ('"Too busy."', "Too busy."),
        ('["Too busy."]', "Too busy."),
        ('{"message": "Too busy.", "code": "busy"}', "Too busy. (busy)"),
        ('{"error": {"message": "Too busy."}}', "Too busy."),
        ("null", "the site did not give a reason"),
    ],
)
def test_feed_event_of_type_error_raises_with_words_of_the_site(data: str, words: str) -> None:
    with pytest.raises(StreamError) as raised:
        ReplyReader().feed({"type": "error", "data": data})

    assert type(raised.value) is StreamError
    assert str(raised.value) == f"ChatGPT ended the reply with an error: {words}"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["message", "code", "error", "loc", "x"]), inner)
        ),
    )
)
def test_feed_error_of_any_value_raises_without_python_repr(error: Any) -> None:
    with pytest.raises(StreamError) as raised:
        ReplyReader().feed(item({"type": "error", "error": error}))

    assert "{'" not in str(raised.value).replace(str(error) if isinstance(error, str) else "\0", "")


# ---- moderation ------------------------------------------------------------------------------------------------------

MODERATION = [
    {
        "conversation_id": "c",
        "message_id": "answer",
        "is_completion": True,
        "moderation_response": {"flagged": True, "blocked": True},
    },
    {"type": "moderation", "moderation_response": {"blocked": True}, "conversation_id": "c"},
    {"type": "moderation", "blocked": True, "conversation_id": "c"},
    {"message": message("Hel"), "moderation_response": {"blocked": True}},
]


@pytest.mark.parametrize("event", MODERATION)
def test_feed_blocked_answer_raises_moderation_error_with_partial_text(event: dict[str, Any]) -> None:
    reader = ReplyReader()
    reader.feed(WHOLE[0])

    with pytest.raises(ModerationError, match="withheld the answer") as raised:
        reader.feed(item(event))
    assert raised.value.partial_text == "Hel"


def test_feed_blocked_answer_with_reason_contains_it() -> None:
    verdict = {"blocked": True, "message": "This may violate our policies."}

    with pytest.raises(ModerationError, match=r"This may violate our policies\."):
        ReplyReader().feed(item({"type": "moderation", "moderation_response": verdict}))


@pytest.mark.parametrize("verdict", [{"blocked": False, "flagged": True}, {}, None, {"blocked": "no"}])
def test_feed_flagged_answer_is_a_reply(verdict: Any) -> None:
    assert read([*WHOLE, item({"type": "moderation", "moderation_response": verdict})]) == "Hello"
