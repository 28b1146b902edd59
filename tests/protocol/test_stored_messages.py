"""Stored messages are classified and cleaned by the same rules as the messages of a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser._protocol.history import HistoryMessage, read_history
from chatgpt_browser._protocol.message import answer_rank
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser.cli.output.conversation_formats import Format, as_markdown, format_conversation
from chatgpt_browser.testing.script.side_messages import Aside
from tests.support.reply_events import item

MARK = "\ue200cite\ue202turn0search0\ue201"
HIDDEN = {"is_visually_hidden_from_conversation": True}


def stored(*messages: dict[str, Any]) -> dict[str, Any]:
    """Return a stored conversation with these messages, one after another."""
    mapping = {
        str(number): {
            "parent": str(number - 1) if number else None,
            "message": {"id": str(number), **message},
        }
        for number, message in enumerate(messages)
    }
    return {"mapping": mapping, "current_node": str(len(messages) - 1), "title": "A talk"}


def read(*messages: dict[str, Any]) -> tuple[HistoryMessage, ...]:
    return read_history("c", stored(*messages)).messages


def message(
    role: str, text: str = "text", content: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    return {
        "author": {"role": role},
        "content": {"content_type": "text", "parts": [text]} if content is None else content,
        **fields,
    }


#: Messages that the site's page does not show, with the text that each contains.
NOT_SHOWN = [
    (message("system", "Be brief."), "Be brief."),
    (message("user", "My profile.", metadata=HIDDEN), "My profile."),
    (message("user", content={"content_type": "user_editable_context", "user_profile": "Ada"}), "Ada"),
    (message("assistant", "hidden", metadata=HIDDEN), "hidden"),
    (message("assistant", "search(x)", recipient="web.run"), "search(x)"),
    (message("assistant", content={"content_type": "code", "text": "1 + 1"}, recipient="python"), "1 + 1"),
    (message("assistant", content={"content_type": "code", "text": "1 + 1"}), "1 + 1"),
    (message("tool", content={"content_type": "execution_output", "text": "2"}), "2"),
    (message("tool", "page"), "page"),
    (message("tool", content={"content_type": "tether_browsing_display", "result": "L1: page"}), "L1: page"),
    (
        message(
            "assistant",
            content={"content_type": "thoughts", "thoughts": [{"summary": "Hm", "content": "So."}, 1]},
        ),
        "Hm\n\nSo.",
    ),
    (
        message("assistant", content={"content_type": "reasoning_recap", "content": "Thought for 7s"}),
        "Thought for 7s",
    ),
    (message("assistant", "Let me look.", channel="commentary"), "Let me look."),
    (message("assistant", "Let me look.", metadata={"is_thinking_preamble_message": True}), "Let me look."),
    (message("assistant", content={"content_type": "new", "what": 1}), ""),
]


@pytest.mark.parametrize(("data", "text"), NOT_SHOWN)
def test_stored_message_that_the_page_hides_is_marked_and_not_exported(
    data: dict[str, Any], text: str
) -> None:
    data = {**data, "create_time": 1}
    conversation = read_history("c", stored(message("user", "Why?"), data, message("assistant", "Because.")))
    question, hidden, answer = conversation.messages
    assert hidden.hidden and hidden.text == text
    assert hidden.recipient == data.get("recipient")
    assert not question.hidden and not answer.hidden
    assert conversation.visible_messages == (question, answer)
    markdown = as_markdown(conversation)
    assert markdown.count("## ") == 2
    assert not text or text not in markdown
    assert text in format_conversation(conversation, Format.json).replace("\\n", "\n")


@pytest.mark.parametrize(
    "data",
    [
        message("user"),
        message("user", content={"content_type": "multimodal_text", "parts": [{"asset": 1}, "text"]}),
        message("assistant"),
        message("assistant", channel="final", recipient="all", end_turn=True),
        message("assistant", end_turn=False, status="finished_successfully"),
        {"role": "assistant", "content": {"parts": ["text"]}},
    ],
)
def test_stored_message_that_the_page_shows_is_visible(data: dict[str, Any]) -> None:
    [found] = read(data)
    assert (found.hidden, found.recipient, found.text) == (False, None, "text")


def test_stored_reply_has_no_citation_marks_and_question_is_unchanged() -> None:
    text = f'Blue light scatters.{MARK} See \ue200entity\ue202["person","Rayleigh"]\ue201.'
    question, answer, call = read(
        message("user", text), message("assistant", text), message("assistant", f"x{MARK}", recipient="bio")
    )
    assert question.text == text
    assert answer.text == "Blue light scatters. See Rayleigh."
    assert call.text == "x"


TEXTS = st.lists(
    st.sampled_from(["a", "ä", "\ue200", "cite", "\ue202", "\ue201", "\ue203", "\ud83d", "\ude00", "😀"])
).map("".join)


@given(
    st.lists(
        st.tuples(
            TEXTS,
            st.sampled_from(["assistant", "tool", "user"]),
            st.sampled_from(["final", None, "analysis"]),
        )
    )
)
def test_stored_reply_equals_the_reply_of_the_stream(parts: list[tuple[str, str, str | None]]) -> None:
    """Of the same messages, the stream's answer is one of the visible ones, with the same text."""
    messages = [
        {
            "id": str(number),
            **message(role, text, channel=channel, status="finished_successfully", end_turn=True),
        }
        for number, (text, role, channel) in enumerate(parts)
    ]
    messages = json.loads(json.dumps(messages))  # joins the halves of a character, as every response has done
    reader = ReplyReader()
    for each in messages:
        reader.feed(item({"message": each, "conversation_id": "c", "error": None}))
    if not any(answer_rank(each) for each in messages):
        return
    reader.finish()
    by_id = {each.id: each for each in read(*messages)}
    answer = by_id[reader.message_id or ""]
    assert not answer.hidden
    assert answer.text == reader.text


@pytest.mark.parametrize(
    "value", [-1e18, 1e18, 10**400, float("nan"), "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_stored_time_outside_of_the_calendar_is_none(value: Any) -> None:
    [found] = read(message("user", create_time=value))
    assert found.create_time is None


def test_aside_kinds_of_the_fake_site_are_hidden_in_the_stored_conversation() -> None:
    kinds = [
        Aside.thoughts(),
        Aside.recap(),
        Aside.tool_call(),
        Aside.tool_output(),
        Aside.remark(),
        Aside.hidden(),
    ]
    assert [each.hidden for each in read(*[kind.fields() for kind in kinds])] == [True] * len(kinds)
