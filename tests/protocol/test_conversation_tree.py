"""Tests of the newest turn and of finding an answer in a stored conversation."""

from __future__ import annotations

from chatgpt_browser._protocol.conversation_tree import Turn, find_answer, newest_turn
from tests.support.reply_events import message, tree, user_message


def test_find_answer_selects_answer_to_newest_question() -> None:
    question = message("Two and two?", id="u", author={"role": "user"})
    old, remark = message("old", id="old"), message("Hm.", id="r", channel="commentary")
    final, tool = message("Four.", channel="final"), message("x", id="t", author={"role": "tool"})

    assert find_answer(tree(old, question, remark, final, tool)) == final
    assert find_answer(tree(old, question, remark)) is None
    assert find_answer(tree(old, question, final), questions=("u",)) == final
    assert (
        find_answer(tree(old, question, final), questions=("another",), parent_message_id="elsewhere") is None
    )
    assert find_answer(tree(question, message("first", id="f"), message("last", id="l"))) == message(
        "last", id="l"
    )
    # A hidden message with the role "user" is not a question.
    hidden = question | {"id": "h", "metadata": {"is_visually_hidden_from_conversation": True}}
    assert find_answer(tree(old, question, final, hidden)) == final
    assert find_answer({}) is find_answer(None) is find_answer({"mapping": {}, "current_node": "x"}) is None


def test_find_answer_identifies_question_by_parent_message() -> None:
    first = user_message("u1"), message("One.", id="a1")
    note = message("", id="n", author={"role": "system"})
    second = user_message("u2"), message("Two.", id="a2")
    assert find_answer(tree(*first), parent_message_id="a1") is None, "an older answer"
    assert find_answer(tree(*first, note), parent_message_id="n") is None
    assert find_answer(tree(*first, second[0]), parent_message_id="a1") is None
    assert find_answer(tree(*first, *second), parent_message_id="a1") == second[1]
    assert find_answer(tree(*first, note, *second), parent_message_id="a1") == second[1]
    assert find_answer(tree(*first, *second), parent_message_id="u2") is None, "an unanswered question"
    assert (
        find_answer(tree(*first, *second, user_message("u3"), message("3", id="a3")), parent_message_id="a1")
        is None
    )
    assert find_answer(tree(*first, *second), questions=("u2",), parent_message_id="elsewhere") == second[1]
    assert find_answer(tree(second[1]), parent_message_id="a1") is None


def test_find_answer_of_several_prefers_started_answer() -> None:
    """Another client may have requested another answer, or continued the conversation, in the meantime."""
    ours, again = message("Ours", id="a1"), message("Once more", id="a2")
    conversation = tree(user_message("u1"), ours, user_message("u2"), message("Later", id="a3"))
    conversation["mapping"]["a2"] = {"parent": "u1", "message": again}
    for current in ("a3", "a2", "u1"):
        conversation["current_node"] = current
        assert find_answer(conversation, questions=("u1",)) == ours, "the first answer"
        assert find_answer(conversation, questions=(None, "u1"), answer_id="a2") == again
    conversation["mapping"]["u1"]["children"] = ["a2", "a1"]
    assert find_answer(conversation, questions=("u1",)) == again, "the first answer in the site's order"
    assert find_answer(tree(user_message("u1")), questions=("u1",)) is None
    looped = tree(user_message("u1"), ours)
    looped["mapping"]["u1"]["parent"] = "a1"
    assert find_answer(looped, questions=("u1",)) == ours


def test_newest_turn_lists_messages_and_valid_parents() -> None:
    hidden = message("", id="h", author={"role": "system"})
    turn = Turn("u", ("h", "answer"), frozenset({"u", "h", "answer"}))
    assert newest_turn(tree(user_message("u"), message("One."), hidden)) == turn
    assert newest_turn(tree(hidden)) == Turn(None, ("h",), frozenset({"h"}))
    assert newest_turn(None) == Turn()

    # After unanswered questions, a message may also follow earlier messages. They are identified by id or by parent id.
    failed = (
        user_message("u1"),
        message("1", id="a1"),
        user_message("u2"),
        message("2", id="a2"),
        user_message("u3"),
    )
    assert newest_turn(tree(*failed)).parents == {"u3"}
    assert newest_turn(tree(*failed), ["u3"]).parents == {"u3", "a2", "u2"}
    assert newest_turn(tree(*failed), ["a2", "u2"]).parents == {"u3", "a2", "u2", "a1", "u1"}


def test_newest_turn_sibling_answers_are_parents() -> None:
    """The site may show two answers to a question, and continues after one of them."""
    conversation = tree(user_message("u1"), message("1", id="a1"), user_message("u2"), message("A", id="a2"))
    nodes = conversation["mapping"]
    nodes["t"] = {"parent": "u2", "message": message("x", id="t", author={"role": "tool"})}
    nodes["b2"] = {"parent": "t", "message": message("B", id="b2")}
    nodes["u3"] = {"parent": "b2", "message": user_message("u3")}
    nodes["a3"] = {"parent": "u3", "message": message("3", id="a3")}
    nodes["b1"] = {"parent": "u1", "message": message("other", id="b1")}
    turn = newest_turn(conversation)
    assert turn == Turn("u2", ("a2",), frozenset({"u2", "a2", "t", "b2"}))

    # If the newest question is unanswered, each answer to the question before it is a parent too.
    conversation["current_node"] = "u2"
    del nodes["a2"], nodes["t"], nodes["b2"], nodes["u3"], nodes["a3"]
    assert newest_turn(conversation, ["u2"]).parents == {"u2", "a1", "u1", "b1"}
