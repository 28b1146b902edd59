"""Tests of reading a reply from events that each contain a whole message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser import MalformedEventError, StreamError, StreamInterruptedError
from chatgpt_browser._protocol.reply_reader import ReplyReader
from tests.support.reply_events import DONE, item
from tests.support.scripted_site import MARKS


def event(text: str, **changes: Any) -> dict[str, Any]:
    """Return an event with an answer; ``changes`` apply to its message."""
    message = {
        "id": "m1",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [text]},
        "recipient": "all",
    }
    return {"message": message | changes, "conversation_id": "c1", "error": None}


def first_item(text: str, **changes: Any) -> dict[str, str]:
    """Return the event in the form of a first event: in three pieces around its text."""
    head, tail = json.dumps(event("\0", **changes)).split(r"\u0000")
    return {"type": "", "head": head, "text": json.dumps(text)[1:-1], "tail": tail}


def test_feed_growing_event_extends_text() -> None:
    reader = ReplyReader()

    assert reader.feed(first_item("Hel"))
    assert (reader.text, reader.message_id, reader.conversation_id) == ("Hel", "m1", "c1")
    assert reader.feed("lo \\ud83d\\ude00")
    assert reader.event == event("Hello 😀")
    assert not reader.feed("")


def test_feed_changed_tail_updates_conversation_id() -> None:
    reader, first = ReplyReader(), first_item("Hi")
    reader.feed(first)

    assert reader.feed(["!", first["tail"].replace('"c1"', '"c2"')])
    assert (reader.text, reader.conversation_id) == ("Hi!", "c2")
    assert not reader.feed(["", first["tail"]])
    assert reader.conversation_id == "c1"


def test_event_is_new_object_for_each_event() -> None:
    reader = ReplyReader()
    reader.feed(first_item("a"))
    first = reader.event
    reader.feed("b")

    assert (first, reader.event) == (event("a"), event("ab"))


@pytest.mark.parametrize(
    "changes",
    [
        {"author": {"role": "user"}},
        {"author": {"role": "system"}},
        {"author": {"role": "tool"}},
        {"recipient": "browser"},
        {"content": {"content_type": "code", "parts": ["x"]}},
        {"content": None},
        {"metadata": {"is_visually_hidden_from_conversation": True}},
    ],
)
def test_feed_message_that_is_not_answer_adds_no_text(changes: dict[str, Any]) -> None:
    reader = ReplyReader()

    assert not reader.feed(item(event("x", **changes)))
    assert (reader.text, reader.message_id, reader.conversation_id, reader.events) == ("", None, "c1", 1)
    with pytest.raises(StreamInterruptedError):
        reader.feed(DONE)


@pytest.mark.parametrize(
    "data",
    ['{"moderation_response": {}, "message_id": "x"}', '{"message": null}', "3", '"v1"', "[]", "null"],
)
def test_feed_event_without_message_is_ignored(data: Any) -> None:
    reader = ReplyReader()
    reader.feed(item(event("x")))

    assert not reader.feed({"type": "", "data": data})
    assert (reader.text, reader.message_id) == ("x", "m1")


def test_feed_text_containing_done_marker_does_not_end_reply() -> None:
    reader = ReplyReader()
    reader.feed(item(event("say [DONE] now")))

    assert (reader.text, reader.done) == ("say [DONE] now", False)
    reader.feed(DONE)
    assert reader.done


def test_feed_half_character_is_hidden_until_complete() -> None:
    reader = ReplyReader()
    reader.feed(first_item("x"))

    assert not reader.feed("\\ud83d")
    assert reader.text == "x"
    assert reader.feed("\\ude00")
    assert reader.text == "x😀"


def test_feed_error_event_raises_error_with_partial_text() -> None:
    reader = ReplyReader()
    reader.feed(item(event("half")))

    with pytest.raises(StreamError, match="Something went wrong") as caught:
        reader.feed(item({"message": None, "conversation_id": "c1", "error": "Something went wrong"}))
    assert (caught.value.partial_text, caught.value.conversation_id, caught.value.message_id) == (
        "half",
        "c1",
        "m1",
    )


@pytest.mark.parametrize("bad", ["{", "[DONE", "", "{}x"])
def test_feed_invalid_json_raises_malformed_event_error(bad: str) -> None:
    reader = ReplyReader()
    reader.feed(item(event("half")))

    with pytest.raises(MalformedEventError) as caught:
        reader.feed({"type": "", "data": bad})
    assert caught.value.partial_text == "half"
    assert caught.value.__cause__ is None
    assert not reader.feed({"type": "", "data": bad, "unended": "yes"}), (
        "it may be cut at the end of the body"
    )
    assert reader.event == event("half")


@pytest.mark.parametrize("grown", [["!"], []], ids=["after growth", "after one event"])
def test_event_after_cut_event_is_last_complete_event(grown: list[str]) -> None:
    reader = ReplyReader()
    reader.feed(first_item("half"))
    for each in grown:
        reader.feed(each)

    assert not reader.feed({"type": "", "data": '{"message": {"id', "unended": "yes"})
    assert reader.event == event("half" + "".join(grown))


def test_feed_invalid_escape_raises_malformed_event_error() -> None:
    reader = ReplyReader()
    reader.feed(first_item("x"))

    with pytest.raises(MalformedEventError):
        reader.feed("\\x")


def test_feed_message_of_several_parts_joins_texts() -> None:
    reader = ReplyReader()
    reader.feed(
        item(event("", content={"content_type": "multimodal_text", "parts": ["a", {"image": 1}, "b"]}))
    )

    assert reader.text == "ab"


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters=MARKS), max_size=8),
        min_size=1,
        max_size=20,
    ),
    st.booleans(),
)
def test_feed_growth_of_any_text_adds_up(pieces: list[str], ascii_only: bool) -> None:
    reader = ReplyReader()
    reader.feed(first_item(pieces[0]))
    for piece in pieces[1:]:
        reader.feed(json.dumps(piece, ensure_ascii=ascii_only)[1:-1])

    assert reader.text == "".join(pieces)
    assert reader.event == event("".join(pieces))


@pytest.mark.parametrize("name", [".", "..", "\ud800", "a\udfff", "", 7, ["c"]])
def test_feed_conversation_id_that_no_url_can_contain_is_ignored(name: Any) -> None:
    reader = ReplyReader()
    for data in (event("Hello"), {**event("Hello"), "conversation_id": name}):
        reader.feed({"type": "", "data": json.dumps(data)})

    assert reader.conversation_id == "c1"
