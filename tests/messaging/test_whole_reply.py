"""The whole reply is the same from each form of the stream, after a hand-off or a break at each event, and from the history."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from chatgpt_browser import Citation, Done, Reply, TextDelta, ThoughtDelta, ToolUpdate
from chatgpt_browser._messaging import handoff, recovery
from chatgpt_browser._protocol.history import read_history
from tests.support.memory_site import MemorySite, head
from tests.support.reply_events import DONE, item
from tests.support.whole_turns import (
    CONVERSATION,
    delta_events,
    ended,
    handed_off,
    mark,
    site_message,
    stored,
    text_content,
    tool_output,
    turns,
    whole_events,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODINGS = {"2022": whole_events, "deltas": delta_events}


@pytest.fixture(autouse=True, scope="module")
def no_pauses() -> Iterator[None]:
    """Poll without pauses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handoff, "_FIRST_PAUSE", 0.0)
        patch.setattr(recovery, "_FIRST_PAUSE", 0.0)
        yield


def site_for(events: list[dict[str, str]], messages: list[dict[str, Any]], **options: Any) -> MemorySite:
    """Return a site that sends these events, and that has stored these messages."""
    end = (
        ["error", "fetch", "NetworkError", "the connection broke"]
        if options.pop("breaks", False)
        else ["end"]
    )
    site = MemorySite(lambda _: [head(), ["events", events, 1], end], **options)
    site.browser.backend[f"/conversation/{CONVERSATION}"] = stored(messages)
    return site


async def received(events: list[dict[str, str]], messages: list[dict[str, Any]], **options: Any) -> Reply:
    """Read a stream to its end, and return its whole reply."""
    stream = site_for(events, messages, **options).stream()
    async for _ in stream:
        pass
    assert stream.reply is not None
    assert str(stream.reply) == stream.text
    return stream.reply


@settings(max_examples=5)
@given(turns())
def test_reply_from_each_form_and_from_history_is_same(messages: list[dict[str, Any]]) -> None:
    expected = read_history(CONVERSATION, stored(messages)).get_reply()
    assert expected is not None
    assert (expected.model, expected.effort) == ("gpt-5-6-thinking", "extended")

    async def check() -> None:
        for encode in ENCODINGS.values():
            events = [*encode(messages)]
            for send_via in ("fetch", "page"):
                assert await received([*ended(iter(events))], messages, send_via=send_via) == expected
            for count in range(len(events) + 1):
                assert await received(handed_off(events, count), messages) == expected

    asyncio.run(check())


@settings(max_examples=3)
@given(turns())
def test_reply_after_break_at_each_event_is_same(messages: list[dict[str, Any]]) -> None:
    expected = read_history(CONVERSATION, stored(messages)).get_reply()

    async def check() -> None:
        for encode in ENCODINGS.values():
            events = [*encode(messages)]
            # A new conversation is known after the first event, and the question after the second.
            for count in range(2, len(events)):
                assert await received(events[:count], messages, breaks=True) == expected

    asyncio.run(check())


@settings(max_examples=12)
@given(turns())
def test_events_contain_all_parts_of_reply(messages: list[dict[str, Any]]) -> None:
    async def events_of(encode: Any) -> list[Any]:
        stream = site_for(ended(encode(messages)), messages).stream()
        return [event async for event in stream.events()]

    for encode in ENCODINGS.values():
        events = asyncio.run(events_of(encode))
        done = events[-1]
        assert isinstance(done, Done)
        reply = done.reply
        texts = [event for event in events if isinstance(event, TextDelta)]
        assert "".join(event.text for event in texts) == texts[-1].snapshot == reply.text
        thinking = "".join(event.text for event in events if isinstance(event, ThoughtDelta))
        assert thinking == "\n\n".join(f"{each.summary}\n\n{each.text}" for each in reply.thoughts)
        updates = [event.tool_call for event in events if isinstance(event, ToolUpdate)]
        assert set(reply.tool_calls) <= set(updates)
        found = [each.citation for each in events if hasattr(each, "citation")]
        assert sorted(found, key=str) == sorted(reply.citations, key=str)
        assert [each.file for each in events if hasattr(each, "file")] == list(reply.files)


@pytest.mark.anyio
async def test_reply_as_plain_text_has_positions_in_plain_text() -> None:
    text = f"A **bold** claim.{mark(0)}\n\n- item `code`{mark(1)}\n"
    references = [
        {"type": "webpage", "matched_text": mark(number), "url": f"https://{number}.example/"}
        for number in (0, 1)
    ]
    answer = site_message(
        "answer",
        text_content(text),
        end_turn=True,
        channel="final",
        metadata={"content_references": references},
    )

    reply = await received(ended(delta_events([answer])), [answer], markdown=False)

    assert reply.text == "A bold claim.\n\nitem code"
    ends = [reply.text[: citation.end] for citation in reply.citations]
    assert ends == ["A bold claim.", "A bold claim.\n\nitem code"]


@pytest.mark.anyio
async def test_reply_of_unfinished_stream_is_none() -> None:
    answer = site_message("answer", text_content("One two"), end_turn=True, channel="final")
    stream = site_for(ended(delta_events([answer])), [answer]).stream()

    async with stream:
        assert await anext(stream)
        assert stream.reply is None


@pytest.mark.anyio
async def test_references_that_arrive_in_notice_belong_to_answer() -> None:
    answer = site_message("answer", text_content(f"Sky.{mark(0)}"), end_turn=True, channel="final")
    reference = {"type": "webpage", "matched_text": mark(0), "title": "Sky", "url": "https://sky.example/"}
    notice = {"type": "content_references_patch", "message_id": "answer", "content_references": [reference]}
    *events, done = ended(delta_events([answer]))

    reply = await received([*events, item(notice), done], [answer])

    assert reply.citations == (Citation("Sky", "https://sky.example/", None, 4, 4),)
    assert reply.raw["metadata"]["content_references"] == [reference]


@pytest.mark.anyio
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
async def test_reply_after_failed_tool_and_break_is_recovered(encode: Any) -> None:
    error = {"content_type": "system_error", "name": "TimeoutError", "text": "the tool failed"}
    thought = {"content_type": "thoughts", "thoughts": [{"summary": "Again", "content": "Try again"}]}
    messages = [
        tool_output("e", "python", error),
        site_message("t", thought, channel="analysis"),
        site_message("answer", text_content("One two"), end_turn=True, channel="final"),
    ]
    expected = read_history(CONVERSATION, stored(messages)).get_reply()
    events = [*encode(messages)]

    for count in range(2, len(events)):
        assert await received(events[:count], messages, breaks=True) == expected


@pytest.mark.anyio
async def test_reply_whose_chosen_message_is_hidden_in_the_conversation_has_the_other_answer() -> None:
    hidden = site_message("x", text_content("A long draft"), end_turn=True, channel="final")
    answer = site_message("answer", text_content("Sky"), end_turn=True, channel=None)
    events = handed_off([*whole_events([hidden | {"status": "in_progress", "end_turn": None}])], 99)
    conversation = [hidden | {"metadata": {"is_visually_hidden_from_conversation": True}}, answer]

    reply = await received(events, conversation)

    assert (reply.text, reply.message_id) == ("Sky", "answer")


@pytest.mark.anyio
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
async def test_model_of_reply_is_same_from_stream_and_history(encode: Any) -> None:
    first = site_message("r", text_content("Let me see"), metadata={"resolved_model_slug": "b"})
    call = site_message("c", text_content("x"), recipient="python", metadata={"model_slug": "c"})
    answer = site_message("answer", text_content("Sky"), end_turn=True, channel="final")

    for messages in (
        [first, call, answer],
        [call, answer],
        [first, answer | {"metadata": {"model_slug": "a"}}],
    ):
        expected = read_history(CONVERSATION, stored(messages)).get_reply()
        assert expected is not None
        assert expected.model in ("b", "c")
        assert (await received(ended(encode(messages)), messages)).model == expected.model


@pytest.mark.anyio
@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
async def test_reply_after_newer_message_was_hidden_is_the_answer_before_it(encode: Any) -> None:
    answer = site_message("answer", text_content("Sky"), end_turn=True, channel="final")
    draft = site_message("x", text_content("A draft"), end_turn=None, channel="final", status="in_progress")
    hidden = draft | {"metadata": {"is_visually_hidden_from_conversation": True}}
    hide = {"p": "/message/metadata", "o": "append", "v": hidden["metadata"]}
    last = item(hide, "delta") if encode is delta_events else [*whole_events([hidden])][-1]

    reply = await received([*encode([answer, draft]), last, DONE], [answer, hidden])

    assert reply == read_history(CONVERSATION, stored([answer, hidden])).get_reply()
    assert reply.text == "Sky"


@pytest.mark.anyio
async def test_reply_after_newer_message_was_removed_is_the_answer_before_it() -> None:
    answer = site_message("answer", text_content("Sky"), end_turn=True, channel="final")
    draft = site_message("x", text_content("A draft"), end_turn=None, channel="final")
    removals = [
        item({"p": "/message", "o": "remove"}, "delta"),
        item({"p": "/message", "o": "add", "v": None}),
    ]

    reply = await received([*delta_events([answer, draft]), *removals, DONE], [answer])

    assert (reply.text, reply.message_id) == ("Sky", "answer")
