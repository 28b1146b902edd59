"""A reply out of reduced events: nothing lost, nothing guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser import MalformedEventError, StreamError, StreamInterruptedError
from chatgpt_browser._protocol.event_assembler import EventAssembler
from chatgpt_browser._protocol.reply_reader import ReplyReader
from tests.support.scripted_site import MARKS

DONE = {"type": "", "data": "[DONE]"}


def event(text: str, **changes: Any) -> dict[str, Any]:
    message = {
        "id": "m1",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [text]},
        "recipient": "all",
    }
    return {"message": message | changes, "conversation_id": "c1", "error": None}


def whole(data: Any) -> dict[str, str]:
    return {"type": "", "data": data if isinstance(data, str) else json.dumps(data)}


def anchored(text: str, **changes: Any) -> dict[str, str]:
    """The event as the page passes on a first one: in three pieces around its text."""
    head, tail = json.dumps(event("\0", **changes)).split(r"\u0000")
    return {"type": "", "head": head, "text": json.dumps(text)[1:-1], "tail": tail}


def test_a_reply_that_grows() -> None:
    reply = ReplyReader()

    assert reply.feed(anchored("Hel"))
    assert (reply.text, reply.message_id, reply.conversation_id) == ("Hel", "m1", "c1")
    assert reply.feed("lo \\ud83d\\ude00")
    assert reply.event == event("Hello 😀")
    assert not reply.feed("")


def test_a_tail_that_changes_is_read() -> None:
    reply, first = ReplyReader(), anchored("Hi")
    reply.feed(first)

    assert reply.feed(["!", first["tail"].replace('"c1"', '"c2"')])
    assert (reply.text, reply.conversation_id) == ("Hi!", "c2")
    assert not reply.feed(["", first["tail"]])
    assert reply.conversation_id == "c1"


def test_an_event_is_the_servers_own_to_the_byte() -> None:
    log = EventAssembler()
    log.replace({"type": "", "head": '{"a": 1.0, "parts": ["', "text": "\\u00e9", "tail": '"], "b": 1e2}'})
    log.grow("\\n")
    log.grow("x")

    assert log.data == '{"a": 1.0, "parts": ["\\u00e9\\nx"], "b": 1e2}'
    assert log.parse() == {"a": 1.0, "parts": ["é\nx"], "b": 100.0}


def test_each_event_is_an_object_of_its_own() -> None:
    reply = ReplyReader()
    reply.feed(anchored("a"))
    first = reply.event
    reply.feed("b")

    assert (first, reply.event) == (event("a"), event("ab"))


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
def test_what_is_no_answer_is_passed_over(changes: dict[str, Any]) -> None:
    reply = ReplyReader()

    assert not reply.feed(whole(event("x", **changes)))
    assert (reply.text, reply.message_id, reply.conversation_id, reply.events) == ("", None, None, 1)
    with pytest.raises(StreamInterruptedError):
        reply.feed(DONE)


@pytest.mark.parametrize(
    "data", [{"moderation_response": {}, "message_id": "x"}, {"message": None}, "3", '"v1"', "[]", "null"]
)
def test_what_is_no_message_is_passed_over(data: Any) -> None:
    reply = ReplyReader()
    reply.feed(whole(event("x")))

    assert not reply.feed(whole(data))
    assert (reply.text, reply.message_id) == ("x", "m1")


def test_data_that_merely_contains_the_last_word() -> None:
    reply = ReplyReader()
    reply.feed(whole(event("say [DONE] now")))

    assert (reply.text, reply.done) == ("say [DONE] now", False)
    reply.feed(DONE)
    assert reply.done


def test_half_a_character_is_not_shown() -> None:
    reply = ReplyReader()
    reply.feed(anchored("x"))

    assert not reply.feed("\\ud83d")
    assert reply.text == "x"
    assert reply.feed("\\ude00")
    assert reply.text == "x😀"


def test_an_error_of_the_sites_carries_what_had_come() -> None:
    reply = ReplyReader()
    reply.feed(whole(event("half")))

    with pytest.raises(StreamError, match="Something went wrong") as caught:
        reply.feed(whole({"message": None, "conversation_id": "c1", "error": "Something went wrong"}))
    assert (caught.value.partial_text, caught.value.conversation_id, caught.value.message_id) == (
        "half",
        "c1",
        "m1",
    )


@pytest.mark.parametrize("bad", ["{", "[DONE", "", "{}x"])
def test_what_is_no_json(bad: str) -> None:
    reply = ReplyReader()
    reply.feed(whole(event("half")))

    with pytest.raises(MalformedEventError) as caught:
        reply.feed(whole(bad))
    assert caught.value.partial_text == "half"
    assert caught.value.__cause__ is None
    assert not reply.feed(whole(bad) | {"unended": "yes"}), "the end of the body may have cut it"


def test_an_escape_that_is_none() -> None:
    reply = ReplyReader()
    reply.feed(anchored("x"))

    with pytest.raises(MalformedEventError):
        reply.feed("\\x")


def test_several_parts_are_one_text() -> None:
    reply = ReplyReader()
    reply.feed(
        whole(event("", content={"content_type": "multimodal_text", "parts": ["a", {"image": 1}, "b"]}))
    )

    assert reply.text == "ab"


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters=MARKS), max_size=8),
        min_size=1,
        max_size=20,
    ),
    st.booleans(),
)
def test_growth_adds_up_whatever_the_text_is(pieces: list[str], ascii_only: bool) -> None:
    reply = ReplyReader()
    reply.feed(anchored(pieces[0]))
    for piece in pieces[1:]:
        reply.feed(json.dumps(piece, ensure_ascii=ascii_only)[1:-1])

    assert reply.text == "".join(pieces)
    assert reply.event == event("".join(pieces))
