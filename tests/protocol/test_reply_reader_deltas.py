"""A reply out of deltas, out of several messages, and out of both forms at once."""

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
from chatgpt_browser._protocol.conversation_tree import Turn, find_answer, newest_turn
from chatgpt_browser._protocol.citation_marks import CitationMarkFilter
from chatgpt_browser._protocol.reply_reader import ReplyReader

TEXT = "/message/content/parts/0"
DONE = {"type": "", "data": "[DONE]"}
BEGIN = {"type": "delta_encoding", "data": '"v1"'}
FINISHED = {"p": "/message/status", "o": "replace", "v": "finished_successfully"}


def item(event: Any, type: str = "") -> dict[str, str]:
    return {"type": type, "data": json.dumps(event)}


def message(text: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "id": "answer",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [text]},
        "recipient": "all",
        "channel": None,
        "metadata": {},
    } | fields


def whole(text: str = "", **fields: Any) -> dict[str, Any]:
    return {"message": message(text, **fields), "conversation_id": "c1", "error": None}


def root(text: str = "", number: int = 0, /, **fields: Any) -> dict[str, Any]:
    return {"p": "", "o": "add", "v": whole(text, **fields), "c": number}


def fed(*events: Any) -> tuple[ReplyReader, list[str]]:
    """A reply that was fed these, and each text that it showed."""
    reply = ReplyReader()
    items = [event if "data" in event else item(event) for event in events]
    return reply, [reply.text for each in items if reply.feed(each)]


# ---- one message -----------------------------------------------------------------------------------------------------


def test_text_that_grows() -> None:
    reply, texts = fed(BEGIN, root(), {"p": TEXT, "o": "append", "v": "Hel"}, {"v": "lo"}, DONE)

    assert texts == ["Hel", "Hello"]
    assert (reply.message_id, reply.conversation_id, reply.done) == ("answer", "c1", True)


def test_the_event_is_the_sites_own_and_the_whole_stands_beside_it() -> None:
    reply, _ = fed(root("a"))
    first = reply.event
    reply.feed(item({"p": TEXT, "o": "append", "v": "b"}, "delta"))
    second = reply.event
    reply.feed(item({"type": "title_generation", "title": "T"}))

    assert first is not None and second is not None and reply.event is not None
    assert (first, second) == (root("a"), {"p": TEXT, "o": "append", "v": "b"})
    assert (first.whole, second.whole, reply.event.whole) == (whole("a"), whole("ab"), None)
    reply.feed(item(whole("c")))
    assert reply.event.whole == reply.event == whole("c")


def test_replace_and_truncate_change_the_text() -> None:
    _, texts = fed(root("abc"), {"p": TEXT, "o": "replace", "v": "xyz"}, {"o": "truncate", "v": 1}, DONE)

    assert texts == ["abc", "xyz", "x"]


def test_half_a_character_is_not_shown() -> None:
    _, texts = fed(root("x"), {"p": TEXT, "o": "append", "v": "\ud83d"}, {"v": "\ude00"}, DONE)

    assert texts == ["x", "x\U0001f600"]


@pytest.mark.parametrize("name", ['"v2"', "v2", '"v1.1"', '"\u00e9"'])
def test_an_encoding_that_nobody_knows_is_named(name: str) -> None:
    with pytest.raises(UnknownEncodingError, match=name.strip('"')):
        fed({"type": "delta_encoding", "data": name})


def test_an_encoding_need_not_be_quoted() -> None:
    reply, _ = fed({"type": "delta_encoding", "data": "v1"}, root("x"), DONE)
    assert reply.done


def test_a_delta_that_does_not_fit_carries_what_had_come() -> None:
    with pytest.raises(MalformedEventError, match="truncate at '/message/id': the value is not a length") as caught:
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
def test_an_error_of_the_sites(error: dict[str, Any]) -> None:
    with pytest.raises(StreamError, match="Oh no") as caught:
        fed(root("half"), error)
    assert caught.value.partial_text == "half"


def test_a_body_that_ends_early_is_no_whole_reply() -> None:
    for reply in (fed(root("half"))[0], fed(whole("half", status="in_progress"))[0]):
        with pytest.raises(StreamInterruptedError, match="middle"):
            reply.end()

    for last in (FINISHED, {"type": "message_stream_complete"}):
        reply, _ = fed(root("whole", status="in_progress"), last)
        reply.end()
        assert reply.done


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
    root("nobody", 6, id="h", metadata={"is_visually_hidden_from_conversation": True}),
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
def test_the_answer_alone_is_shown(channel: str | None) -> None:
    answer = [root("", 8, channel=channel), {"p": TEXT, "o": "append", "v": "Four"}, {"v": "."}, FINISHED]
    reply, texts = fed(BEGIN, *OTHERS, *NOTICES, *answer, *NOTICES, DONE)

    assert texts == ["Four", "Four."]
    assert (reply.message_id, reply.question_id) == ("answer", "u")
    assert reply.events == len([*OTHERS, *NOTICES, *answer, *NOTICES])


def test_the_answer_alone_is_shown_of_whole_events() -> None:
    others = [delta["v"] for delta in OTHERS if delta.get("p") == ""]
    _, texts = fed(
        *others, whole("Fo", channel="final"), whole("late", id="r2"), whole("Four", channel="final"), DONE
    )

    assert texts == ["Fo", "Four"]


def test_without_channels_the_newest_is_the_answer() -> None:
    reply, texts = fed(
        root("Let me look.", 1, id="first", end_turn=False),
        root("Four.", 2, id="second", end_turn=True),
        DONE,
    )

    assert texts == ["Let me look.", "Four."]
    assert reply.message_id == "second"


def test_a_message_that_is_hidden_later_was_no_answer() -> None:
    hide = {"p": "/message/metadata", "o": "append", "v": {"is_visually_hidden_from_conversation": True}}
    reply, texts = fed(root("Camera", id="other"), hide, root("Four.", 2), DONE)

    assert texts == ["Camera", "", "Four."]
    with pytest.raises(StreamInterruptedError, match="without a reply"):
        fed(root("Camera"), hide, DONE)


def test_both_forms_in_one_stream() -> None:
    _, texts = fed(whole("a"), root("ab"), {"p": TEXT, "o": "append", "v": "c"}, whole("abcd"), DONE)

    assert texts == ["a", "ab", "abc", "abcd"]


# ---- handed off ------------------------------------------------------------------------------------------------------

HANDOFF = {"type": "stream_handoff", "conversation_id": "c9", "options": []}


def test_a_reply_that_goes_on_elsewhere() -> None:
    reply, texts = fed(HANDOFF, DONE)

    assert (reply.is_elsewhere, reply.done, reply.conversation_id, texts) == (True, False, "c9", [])
    assert reply.take(message("Fo", status="in_progress"))
    assert not reply.done
    assert reply.take(message("Four", status="finished_successfully", end_turn=True))
    assert (reply.done, reply.text) == (True, "Four")


REMARK = {"status": "finished_successfully", "end_turn": False}


def test_a_remark_is_no_answer_however_the_stream_ends() -> None:
    remark = root("Let me look.", id="remark", **REMARK)
    for last in (DONE, {"type": "message_stream_complete"}):
        with pytest.raises(StreamInterruptedError, match="remark|middle") as caught:
            reply, _ = fed(BEGIN, remark, last)
            reply.end()
        assert caught.value.partial_text == "Let me look."
    with pytest.raises(StreamInterruptedError, match="remark"):
        fed(whole("Let me look.", **REMARK), DONE)

    # One that was cut at its greatest length is the answer, and so is what the site calls final.
    assert fed(root("Once upon", status="finished_partial_completion", end_turn=False), DONE)[0].done
    assert fed(root("Four.", channel="final", **REMARK), DONE)[0].done
    assert fed(remark, root("Four.", end_turn=True), DONE)[0].text == "Four."


def test_a_remark_is_no_answer_elsewhere() -> None:
    reply, _ = fed(BEGIN, root("Let me look.", id="remark", **REMARK), HANDOFF, DONE)

    assert (reply.is_elsewhere, reply.done) == (True, False)
    assert not reply.take(message("Let me look.", id="remark", **REMARK))
    assert not reply.done
    assert reply.take(message("Four.", status="finished_successfully", end_turn=True))
    assert (reply.done, reply.text, reply.message_id) == (True, "Four.", "answer")


def test_what_ends_the_turn_is_the_answer_whatever_comes_behind_it() -> None:
    ends = {"status": "finished_successfully", "end_turn": True}
    for more in (root("", 1, id="z"), root("note", 1, id="z"), whole("note", id="z")):
        reply, texts = fed(root("Four.", **ends), more, DONE)
        assert (texts, reply.message_id) == (["Four."], "answer")
    data = tree(message("?", id="u", author={"role": "user"}), message("Four.", **ends), message("", id="z"))
    assert find_answer(data) == message("Four.", **ends)


def test_a_late_change_of_an_earlier_message_is_no_newer_message() -> None:
    late = {"c": 0, "p": "/message/metadata", "o": "append", "v": {"a": 1}}
    _, texts = fed(root("Look", id="r"), root("Four.", 1, end_turn=True), late, DONE)
    assert texts == ["Look", "Four."]
    _, texts = fed(
        root("One", id="f1", channel="final"), root("Two", 1, id="f2", channel="final"), late, DONE
    )
    assert texts == ["One", "Two"]


def test_a_hidden_message_in_the_users_name_is_no_question() -> None:
    hidden = {"author": {"role": "user"}, "metadata": {"is_visually_hidden_from_conversation": True}}
    reply, _ = fed(whole("?", id="u", author={"role": "user"}), whole("context", id="h", **hidden))
    assert reply.question_id == "u"


def test_after_the_site_has_said_that_it_is_whole_nothing_has_to_come() -> None:
    ends = {"status": "finished_successfully", "end_turn": True}
    reply, _ = fed(BEGIN, root("Four.", **ends), {"type": "message_stream_complete"})
    assert (reply.is_settled, reply.done) == (True, False)
    # Cut in the middle of an event that nobody needs.
    reply.feed({"type": "", "data": '{"type": "conversation_detail_me', "unended": "yes"})
    assert not reply.end()
    assert (reply.done, reply.text) == (True, "Four.")
    assert not fed(BEGIN, root("Let me look.", **REMARK), {"type": "message_stream_complete"})[0].is_settled


@pytest.mark.parametrize("data", ['"Out of memory"', '["Out of memory"]', "null"])
def test_an_error_event_in_any_form(data: str) -> None:
    reply, _ = fed(root("Fo"))
    with pytest.raises(StreamError, match="Out of memory|did not give a reason") as caught:
        reply.feed({"type": "error", "data": data})
    assert caught.value.partial_text == "Fo"
    with pytest.raises(StreamError, match="Too bad"):
        fed(root("Fo"), {"detail": "Too bad", "code": "x"})


def test_the_conversation_is_known_from_any_notice() -> None:
    reply, _ = fed({"type": "resume_conversation_token", "token": "t", "conversation_id": "c5"})
    assert reply.conversation_id == "c5"


def test_a_message_that_is_taken_away() -> None:
    for delta in ({"p": "/message", "o": "remove", "v": None}, {"p": "/message", "o": "replace", "v": None}):
        with pytest.raises(StreamInterruptedError, match="without a reply"):
            fed(root("Fo"), delta, DONE)
    assert fed(root("Fo"), {"p": "", "o": "add", "v": {"conversation_id": "c"}, "c": 1}, DONE)[0].text == "Fo"


def test_text_around_and_behind_a_mark() -> None:
    """Once a mark has ended, what follows is taken as it comes, until the next begins."""
    append = {"p": TEXT, "o": "append", "v": "See \ue200cite\ue202a\ue201"}
    more = [
        {"v": text} for text in (" one", " two", " \ue200ci", "te\ue202b", "\ue201", " three", " \ue200open")
    ]
    reply, texts = fed(root(), append, *more, DONE)
    assert texts[:5] == ["See ", "See  one", "See  one two", "See  one two ", "See  one two  three"]
    assert reply.text == "See  one two  three open"


def test_the_newest_event_is_known_behind_the_last_word() -> None:
    head = json.dumps({"p": TEXT, "o": "append", "v": ""}).removesuffix('"}')
    reply = ReplyReader()
    for each in (item(root()), {"type": "", "head": head, "text": "a", "tail": '"}'}, ["b"], item(123)):
        reply.feed(each)
    assert reply.event == {"p": TEXT, "o": "append", "v": "b"}
    reply.feed(item({"v": "c"}))
    reply.feed(DONE)
    assert (reply.event, reply.text) == ({"v": "c"}, "abc")


def test_half_a_character_before_plain_text() -> None:
    append = {"p": TEXT, "o": "append", "v": "a\ud83d"}
    reply, _ = fed(root(), append, {"v": "b"}, {"v": "\ude00"}, DONE)
    assert reply.text == "a\ud83db\ude00"


def test_a_text_that_grows_where_none_is() -> None:
    for start, path in (([], "-"), ([["x"]], "0")):
        whole = root(content={"content_type": "text", "parts": start})
        append = {"p": f"/message/content/parts/{path}", "o": "append", "v": "Hel"}
        reply, _ = fed(whole, append, {"v": "lo"}, {"v": "!"}, DONE)
        assert reply.text == ("Hello!" if path == "-" else "")


def test_a_delta_with_a_field_that_nobody_knows() -> None:
    append = {"p": TEXT, "o": "append", "v": "a"}
    assert fed(root(), append, {"v": "b", "seq": 2}, append | {"seq": 3}, DONE)[1] == ["a", "ab", "aba"]


def test_the_question_is_known_from_its_notice() -> None:
    question = message("Two and two?", id="u", author={"role": "user"})
    reply, _ = fed({"type": "input_message", "input_message": question}, HANDOFF, DONE)

    assert reply.question_id == "u"


def test_a_reply_that_was_handed_off_and_came_nevertheless() -> None:
    reply, _ = fed(HANDOFF, root("Four."), FINISHED, DONE)

    assert (reply.is_elsewhere, reply.done) == (False, True)


def tree(*messages: dict[str, Any], current: str | None = None) -> dict[str, Any]:
    names = [None, *(each["id"] for each in messages)]
    nodes = {
        each["id"]: {"parent": parent, "message": each} for parent, each in zip(names, messages, strict=False)
    }
    return {"mapping": nodes, "current_node": current or names[-1]}


def test_the_answer_of_a_conversation() -> None:
    question = message("Two and two?", id="u", author={"role": "user"})
    old, remark = message("old", id="old"), message("Hm.", id="r", channel="commentary")
    final, tool = message("Four.", channel="final"), message("x", id="t", author={"role": "tool"})

    assert find_answer(tree(old, question, remark, final, tool)) == final
    assert find_answer(tree(old, question, remark)) is None
    assert find_answer(tree(old, question, final), questions=("u",)) == final
    assert find_answer(tree(old, question, final), questions=("another",), parent_message_id="elsewhere") is None
    assert find_answer(tree(question, message("first", id="f"), message("last", id="l"))) == message(
        "last", id="l"
    )
    # What the site has written in the user's name, and nobody sees, is no question.
    hidden = question | {"id": "h", "metadata": {"is_visually_hidden_from_conversation": True}}
    assert find_answer(tree(old, question, final, hidden)) == final
    assert find_answer({}) is find_answer(None) is find_answer({"mapping": {}, "current_node": "x"}) is None


def test_the_answer_to_a_question_that_is_known_by_what_it_follows() -> None:
    def asked(name: str) -> dict[str, Any]:
        return message("?", id=name, author={"role": "user"})

    first = asked("u1"), message("One.", id="a1")
    note = message("", id="n", author={"role": "system"})
    second = asked("u2"), message("Two.", id="a2")
    assert find_answer(tree(*first), parent_message_id="a1") is None, "the older answer"
    assert find_answer(tree(*first, note), parent_message_id="n") is None
    assert find_answer(tree(*first, second[0]), parent_message_id="a1") is None
    assert find_answer(tree(*first, *second), parent_message_id="a1") == second[1]
    assert find_answer(tree(*first, note, *second), parent_message_id="a1") == second[1]
    assert find_answer(tree(*first, *second), parent_message_id="u2") is None, "a question that was never answered"
    assert find_answer(tree(*first, *second, asked("u3"), message("3", id="a3")), parent_message_id="a1") is None
    assert find_answer(tree(*first, *second), questions=("u2",), parent_message_id="elsewhere") == second[1], (
        "the site itself has said"
    )
    assert find_answer(tree(second[1]), parent_message_id="a1") is None


def test_the_answer_to_a_question_that_has_several() -> None:
    """Of which somebody else may have asked for one more, or gone on behind it, meanwhile."""

    def asked(name: str) -> dict[str, Any]:
        return message("?", id=name, author={"role": "user"})

    ours, again = message("Ours", id="a1"), message("Once more", id="a2")
    conversation = tree(asked("u1"), ours, asked("u2"), message("Later", id="a3"))
    conversation["mapping"]["a2"] = {"parent": "u1", "message": again}
    for current in ("a3", "a2", "u1"):
        conversation["current_node"] = current
        assert find_answer(conversation, questions=("u1",)) == ours, "the first"
        assert find_answer(conversation, questions=(None, "u1"), answer_id="a2") == again, (
            "that which was begun"
        )
    conversation["mapping"]["u1"]["children"] = ["a2", "a1"]
    assert find_answer(conversation, questions=("u1",)) == again, "the first as the site has it"
    assert find_answer(tree(asked("u1")), questions=("u1",)) is None
    looped = tree(asked("u1"), ours)
    looped["mapping"]["u1"]["parent"] = "a1"
    assert find_answer(looped, questions=("u1",)) == ours


def test_the_newest_turn() -> None:
    def asked(name: str) -> dict[str, Any]:
        return message("?", id=name, author={"role": "user"})

    hidden = message("", id="h", author={"role": "system"})
    turn = Turn("u", ("h", "answer"), frozenset({"u", "h", "answer"}))
    assert newest_turn(tree(asked("u"), message("One."), hidden)) == turn
    assert newest_turn(tree(hidden)) == Turn(None, ("h",), frozenset({"h"}))
    assert newest_turn(None) == Turn()

    # What came to nothing does not bar the way to what is before it: known by its id, or by what it was sent after.
    failed = asked("u1"), message("1", id="a1"), asked("u2"), message("2", id="a2"), asked("u3")
    assert newest_turn(tree(*failed)).parents == {"u3"}
    assert newest_turn(tree(*failed), ["u3"]).parents == {"u3", "a2", "u2"}
    assert newest_turn(tree(*failed), ["a2", "u2"]).parents == {"u3", "a2", "u2", "a1", "u1"}


# ---- the site's marks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("Four.\ue200cite\ue202turn0search1\ue202turn0search2\ue201 Yes.", "Four. Yes."),
        ('In \ue200entity\ue202["city","Paris","capital"]\ue201.', "In Paris."),
        ("\ue200entity\ue202no json\ue201", "no json"),
        ("See \ue200url\ue202the page\ue202turn0\ue201.", "See the page."),
        ("\ue203It is so.\ue204\ue206", "It is so."),
        ("a\ue200cite\ue202b", "aciteb"),
        ("nothing", "nothing"),
    ],
)
def test_marks_are_taken_out_however_the_text_is_cut(marked: str, plain: str) -> None:
    for cut in range(len(marked) + 1):
        markup = CitationMarkFilter()
        shown = [markup.visible(marked[:cut]), markup.visible(marked), markup.visible(marked, at_end=True)]
        assert shown[-1] == plain
        assert all(plain.startswith(text) for text in shown)


def test_a_mark_in_either_form_of_event() -> None:
    pieces = ["Four\ue200ci", "te\ue202turn0", "\ue201", "."]
    _, texts = fed(
        root(), {"p": TEXT, "o": "append", "v": pieces[0]}, *({"v": piece} for piece in pieces[1:]), DONE
    )
    assert texts == ["Four", "Four."]

    reply = ReplyReader()
    head, tail = json.dumps(whole("\0")).split(r"\u0000")
    grown = [reply.feed({"type": "", "head": head, "text": pieces[0], "tail": tail})]
    grown += [reply.feed(piece) for piece in pieces[1:]]
    assert (grown, reply.text) == ([True, False, False, True], "Four.")
