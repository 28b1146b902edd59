"""Tests of reading a reader from deltas, from several messages, and from both forms of events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatgpt_browser import (
    MalformedEventError,
    StreamError,
    StreamInterruptedError,
    UnknownEncodingError,
)
from chatgpt_browser._protocol.conversation_tree import find_answer
from chatgpt_browser._protocol.reply_reader import ReplyReader
from tests.support.reply_events import (
    DONE,
    ENCODING,
    FINISHED,
    HANDOFF,
    REMARK,
    TEXT,
    item,
    message,
    root,
    tree,
    user_message,
    whole,
)


def fed(*events: Any) -> tuple[ReplyReader, list[str]]:
    """Feed events to a new reader. Return the reader, and the text after each event that changed it."""
    reader = ReplyReader()
    items = [event if "data" in event else item(event) for event in events]
    return reader, [reader.text for each in items if reader.feed(each)]


# ---- one message -----------------------------------------------------------------------------------------------------


def test_feed_appending_deltas_extend_text() -> None:
    reader, texts = fed(ENCODING, root(), {"p": TEXT, "o": "append", "v": "Hel"}, {"v": "lo"}, DONE)

    assert texts == ["Hel", "Hello"]
    assert (reader.message_id, reader.conversation_id, reader.done) == ("answer", "c1", True)


def test_event_of_delta_has_whole_message() -> None:
    reader, _ = fed(root("a"))
    first = reader.event
    reader.feed(item({"p": TEXT, "o": "append", "v": "b"}, "delta"))
    second = reader.event
    reader.feed(item({"type": "title_generation", "title": "T"}))

    assert first is not None and second is not None and reader.event is not None
    assert (first, second) == (root("a"), {"p": TEXT, "o": "append", "v": "b"})
    assert (first.whole, second.whole, reader.event.whole) == (whole("a"), whole("ab"), None)
    reader.feed(item(whole("c")))
    assert reader.event.whole == reader.event == whole("c")


def test_feed_replace_and_truncate_change_text() -> None:
    _, texts = fed(root("abc"), {"p": TEXT, "o": "replace", "v": "xyz"}, {"o": "truncate", "v": 1}, DONE)

    assert texts == ["abc", "xyz", "x"]


def test_feed_delta_half_character_is_hidden_until_complete() -> None:
    _, texts = fed(root("x"), {"p": TEXT, "o": "append", "v": "\ud83d"}, {"v": "\ude00"}, DONE)

    assert texts == ["x", "x\U0001f600"]


@pytest.mark.parametrize("name", ['"v2"', "v2", '"v1.1"', '"\u00e9"'])
def test_feed_unknown_encoding_raises_error_naming_it(name: str) -> None:
    with pytest.raises(UnknownEncodingError, match=name.strip('"')):
        fed({"type": "delta_encoding", "data": name})


def test_feed_encoding_without_quotes_is_accepted() -> None:
    reader, _ = fed({"type": "delta_encoding", "data": "v1"}, root("x"), DONE)
    assert reader.done


def test_feed_invalid_delta_raises_error_with_partial_text() -> None:
    with pytest.raises(
        MalformedEventError, match="truncate at '/message/id': the value is not a length"
    ) as caught:
        fed(root("half"), {"p": "/message/id", "o": "truncate", "v": "x"})
    assert (caught.value.partial_text, caught.value.message_id) == ("half", "answer")


@pytest.mark.parametrize(
    "error",
    [
        {"p": "/error", "o": "replace", "v": "Oh no"},
        {"error": "Oh no"},
        {"type": "error", "message": "Oh no"},
    ],
)
def test_feed_error_in_each_form_raises_stream_error(error: dict[str, Any]) -> None:
    with pytest.raises(StreamError, match="Oh no") as caught:
        fed(root("half"), error)
    assert caught.value.partial_text == "half"


def test_end_incomplete_reply_raises_stream_interrupted_error() -> None:
    for reader in (fed(root("half"))[0], fed(whole("half", status="in_progress"))[0]):
        with pytest.raises(StreamInterruptedError, match="middle"):
            reader.end()

    for last in (FINISHED, {"type": "message_stream_complete"}):
        reader, _ = fed(root("whole", status="in_progress"), last)
        reader.end()
        assert reader.done


# ---- several messages ------------------------------------------------------------------------------------------------

THOUGHTS = {"content_type": "thoughts", "thoughts": [{"summary": "S", "content": ""}]}
OTHERS = [
    root("echo", 1, id="u", author={"role": "user"}),
    root("", 2, id="t", content=THOUGHTS, channel="analysis"),
    {"p": "/message/content/thoughts/0/content", "o": "append", "v": "Hm"},
    {"v": "m."},
    root("Let me see.", 3, id="r", channel="commentary"),
    {"p": TEXT, "o": "append", "v": ".."},
    root("print(1)", 4, id="p", recipient="python", channel="commentary"),
    root("1", 5, id="o", author={"role": "tool", "name": "python"}),
    root("hidden", 6, id="h", metadata={"is_visually_hidden_from_conversation": True}),
    root("First,", 7, id="q", metadata={"is_thinking_preamble_message": True}),
]
NOTICES = [
    {"type": kind, "conversation_id": "c1", "v": "not this"}
    for kind in (
        "resume_conversation_token",
        "input_message",
        "message_marker",
        "server_ste_metadata",
        "title_generation",
        "moderation",
        "url_moderation",
        "conversation_detail_metadata",
        "something_new",
    )
]


@pytest.mark.parametrize("channel", ["final", None])
def test_feed_deltas_of_other_messages_are_ignored(channel: str | None) -> None:
    answer = [root("", 8, channel=channel), {"p": TEXT, "o": "append", "v": "Four"}, {"v": "."}, FINISHED]
    reader, texts = fed(ENCODING, *OTHERS, *NOTICES, *answer, *NOTICES, DONE)

    assert texts == ["Four", "Four."]
    assert (reader.message_id, reader.question_id) == ("answer", "u")
    assert reader.events == len([*OTHERS, *NOTICES, *answer, *NOTICES])


def test_feed_whole_events_of_other_messages_are_ignored() -> None:
    others = [delta["v"] for delta in OTHERS if delta.get("p") == ""]
    _, texts = fed(
        *others, whole("Fo", channel="final"), whole("late", id="r2"), whole("Four", channel="final"), DONE
    )

    assert texts == ["Fo", "Four"]


def test_feed_messages_without_channel_newest_is_answer() -> None:
    reader, texts = fed(
        root("Let me look.", 1, id="first", end_turn=False),
        root("Four.", 2, id="second", end_turn=True),
        DONE,
    )

    assert texts == ["Let me look.", "Four."]
    assert reader.message_id == "second"


def test_feed_answer_hidden_later_is_retracted() -> None:
    hide = {"p": "/message/metadata", "o": "append", "v": {"is_visually_hidden_from_conversation": True}}
    reader, texts = fed(root("Camera", id="other"), hide, root("Four.", 2), DONE)

    assert texts == ["Camera", "", "Four."]
    with pytest.raises(StreamInterruptedError, match="without a reply"):
        fed(root("Camera"), hide, DONE)


def test_feed_whole_events_and_deltas_in_one_stream() -> None:
    _, texts = fed(whole("a"), root("ab"), {"p": TEXT, "o": "append", "v": "c"}, whole("abcd"), DONE)

    assert texts == ["a", "ab", "abc", "abcd"]


# ---- handed off ------------------------------------------------------------------------------------------------------


def test_take_after_handoff_completes_reply() -> None:
    reader, texts = fed(HANDOFF, DONE)

    assert (reader.is_elsewhere, reader.done, reader.conversation_id, texts) == (True, False, "c9", [])
    assert reader.take(message("Fo", status="in_progress"))
    assert not reader.done
    assert reader.take(message("Four", status="finished_successfully", end_turn=True))
    assert (reader.done, reader.text) == (True, "Four")


def test_feed_stream_of_remark_alone_raises_stream_interrupted_error() -> None:
    remark = root("Let me look.", id="remark", **REMARK)
    for last in (DONE, {"type": "message_stream_complete"}):
        with pytest.raises(StreamInterruptedError, match="remark|middle") as caught:
            reader, _ = fed(ENCODING, remark, last)
            reader.end()
        assert caught.value.partial_text == "Let me look."
    with pytest.raises(StreamInterruptedError, match="remark"):
        fed(whole("Let me look.", **REMARK), DONE)

    # A message that was cut at the maximum length is the answer, and so is a message in the channel `final`.
    assert fed(root("Once upon", status="finished_partial_completion", end_turn=False), DONE)[0].done
    assert fed(root("Four.", channel="final", **REMARK), DONE)[0].done
    assert fed(remark, root("Four.", end_turn=True), DONE)[0].text == "Four."


def test_take_remark_after_handoff_does_not_complete_reply() -> None:
    reader, _ = fed(ENCODING, root("Let me look.", id="remark", **REMARK), HANDOFF, DONE)

    assert (reader.is_elsewhere, reader.done) == (True, False)
    assert not reader.take(message("Let me look.", id="remark", **REMARK))
    assert not reader.done
    assert reader.take(message("Four.", status="finished_successfully", end_turn=True))
    assert (reader.done, reader.text, reader.message_id) == (True, "Four.", "answer")


def test_feed_message_after_end_of_turn_is_ignored() -> None:
    ends = {"status": "finished_successfully", "end_turn": True}
    for more in (root("", 1, id="z"), root("note", 1, id="z"), whole("note", id="z")):
        reader, texts = fed(root("Four.", **ends), more, DONE)
        assert (texts, reader.message_id) == (["Four."], "answer")
    data = tree(user_message("u"), message("Four.", **ends), message("", id="z"))
    assert find_answer(data) == message("Four.", **ends)


def test_feed_late_change_of_earlier_message_is_ignored() -> None:
    late = {"c": 0, "p": "/message/metadata", "o": "append", "v": {"a": 1}}
    _, texts = fed(root("Look", id="r"), root("Four.", 1, end_turn=True), late, DONE)
    assert texts == ["Look", "Four."]
    _, texts = fed(
        root("One", id="f1", channel="final"), root("Two", 1, id="f2", channel="final"), late, DONE
    )
    assert texts == ["One", "Two"]


def test_feed_hidden_user_message_keeps_question_id() -> None:
    hidden = {"author": {"role": "user"}, "metadata": {"is_visually_hidden_from_conversation": True}}
    reader, _ = fed(whole("?", id="u", author={"role": "user"}), whole("context", id="h", **hidden))
    assert reader.question_id == "u"


def test_end_after_stream_complete_notice_ignores_cut_event() -> None:
    ends = {"status": "finished_successfully", "end_turn": True}
    reader, _ = fed(ENCODING, root("Four.", **ends), {"type": "message_stream_complete"})
    assert (reader.is_settled, reader.done) == (True, False)
    # The body is cut in the middle of an event that is not needed.
    reader.feed({"type": "", "data": '{"type": "conversation_detail_me', "unended": "yes"})
    assert not reader.end()
    assert (reader.done, reader.text) == (True, "Four.")
    assert not fed(ENCODING, root("Let me look.", **REMARK), {"type": "message_stream_complete"})[
        0
    ].is_settled


@pytest.mark.parametrize("data", ['"Out of memory"', '["Out of memory"]', "null"])
def test_feed_error_event_of_any_json_type_raises_stream_error(data: str) -> None:
    reader, _ = fed(root("Fo"))
    with pytest.raises(StreamError, match="Out of memory|did not give a reason") as caught:
        reader.feed({"type": "error", "data": data})
    assert caught.value.partial_text == "Fo"
    with pytest.raises(StreamError, match="Too bad"):
        fed(root("Fo"), {"detail": "Too bad", "code": "x"})


def test_feed_notice_sets_conversation_id() -> None:
    reader, _ = fed({"type": "resume_conversation_token", "token": "t", "conversation_id": "c5"})
    assert reader.conversation_id == "c5"


def test_feed_removed_message_is_retracted() -> None:
    for delta in ({"p": "/message", "o": "remove", "v": None}, {"p": "/message", "o": "replace", "v": None}):
        with pytest.raises(StreamInterruptedError, match="without a reply"):
            fed(root("Fo"), delta, DONE)
    assert fed(root("Fo"), {"p": "", "o": "add", "v": {"conversation_id": "c"}, "c": 1}, DONE)[0].text == "Fo"


def test_feed_deltas_with_citation_marks_hide_marks() -> None:
    """Text after the end of a mark is appended piece by piece until the next mark begins."""
    append = {"p": TEXT, "o": "append", "v": "See \ue200cite\ue202a\ue201"}
    more = [
        {"v": text} for text in (" one", " two", " \ue200ci", "te\ue202b", "\ue201", " three", " \ue200open")
    ]
    reader, texts = fed(root(), append, *more, DONE)
    assert texts[:5] == ["See ", "See  one", "See  one two", "See  one two ", "See  one two  three"]
    assert reader.text == "See  one two  three open"


def test_event_after_done_is_newest_json_event() -> None:
    head = json.dumps({"p": TEXT, "o": "append", "v": ""}).removesuffix('"}')
    reader = ReplyReader()
    for each in (item(root()), {"type": "", "head": head, "text": "a", "tail": '"}'}, ["b"], item(123)):
        reader.feed(each)
    assert reader.event == {"p": TEXT, "o": "append", "v": "b"}
    reader.feed(item({"v": "c"}))
    reader.feed(DONE)
    assert (reader.event, reader.text) == ({"v": "c"}, "abc")


def test_feed_half_character_before_plain_text_is_kept() -> None:
    append = {"p": TEXT, "o": "append", "v": "a\ud83d"}
    reader, _ = fed(root(), append, {"v": "b"}, {"v": "\ude00"}, DONE)
    assert reader.text == "a\ud83db\ude00"


def test_feed_append_to_missing_part_creates_text() -> None:
    for start, path in (([], "-"), ([["x"]], "0")):
        whole = root(content={"content_type": "text", "parts": start})
        append = {"p": f"/message/content/parts/{path}", "o": "append", "v": "Hel"}
        reader, _ = fed(whole, append, {"v": "lo"}, {"v": "!"}, DONE)
        assert reader.text == ("Hello!" if path == "-" else "")


def test_feed_delta_with_unknown_field_is_applied() -> None:
    append = {"p": TEXT, "o": "append", "v": "a"}
    assert fed(root(), append, {"v": "b", "seq": 2}, append | {"seq": 3}, DONE)[1] == ["a", "ab", "aba"]


def test_feed_input_message_notice_sets_question_id() -> None:
    question = message("Two and two?", id="u", author={"role": "user"})
    reader, _ = fed({"type": "input_message", "input_message": question}, HANDOFF, DONE)

    assert reader.question_id == "u"


def test_feed_answer_after_handoff_completes_reply() -> None:
    reader, _ = fed(HANDOFF, root("Four."), FINISHED, DONE)

    assert (reader.is_elsewhere, reader.done) == (False, True)


def test_feed_citation_marks_hidden_in_both_encodings() -> None:
    pieces = ["Four\ue200ci", "te\ue202turn0", "\ue201", "."]
    _, texts = fed(
        root(), {"p": TEXT, "o": "append", "v": pieces[0]}, *({"v": piece} for piece in pieces[1:]), DONE
    )
    assert texts == ["Four", "Four."]

    reader = ReplyReader()
    head, tail = json.dumps(whole("\0")).split(r"\u0000")
    grown = [reader.feed({"type": "", "head": head, "text": pieces[0], "tail": tail})]
    grown += [reader.feed(piece) for piece in pieces[1:]]
    assert (grown, reader.text) == ([True, False, False, True], "Four.")
