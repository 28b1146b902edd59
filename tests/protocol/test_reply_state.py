"""Tests of the states of a reply: a walk over each transition that `ReplyState` draws."""

from __future__ import annotations

from typing import Any

import pytest

from chatgpt_browser import StreamInterruptedError
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser._protocol.reply_state import ReplyState, answer_state
from tests.support.reply_events import DONE, ENCODING, HANDOFF, REMARK, item, message, user_message, whole

UNMARKED = whole("text")
GROWING = whole("text", status="in_progress")
REMARKED = whole("text", **REMARK)
ENDING = whole("text", status="in_progress", end_turn=True)
FINISHED = whole("text", status="finished_successfully", end_turn=True)
HIDDEN = whole("text", metadata={"is_visually_hidden_from_conversation": True})
ANOTHER = {"message": user_message("u"), "conversation_id": "c1", "error": None}
COMPLETE = {"type": "message_stream_complete"}
NOTICE = {"type": "title_generation", "title": "A title"}

#: The events that lead to each state before the end of the stream.
PATHS: dict[ReplyState, list[Any]] = {
    ReplyState.WAITING: [],
    ReplyState.UNMARKED: [UNMARKED],
    ReplyState.GROWING: [GROWING],
    ReplyState.REMARK: [REMARKED],
    ReplyState.ENDING: [ENDING],
    ReplyState.FINISHED: [FINISHED],
    ReplyState.COMPLETE: [FINISHED, COMPLETE],
}
#: The states that a message selects by its marks.
BY_MESSAGE = {
    ReplyState.UNMARKED: UNMARKED,
    ReplyState.GROWING: GROWING,
    ReplyState.REMARK: REMARKED,
    ReplyState.ENDING: ENDING,
    ReplyState.FINISHED: FINISHED,
}
INTERRUPTED = "interrupted"


def reader_in(state: ReplyState, *before: Any) -> ReplyReader:
    """Return a reader that has read the events ``before``, then the events that lead to a state."""
    reader = ReplyReader()
    for event in (*before, *PATHS[state]):
        reader.feed(event if "data" in event else item(event))
    assert reader.state is state
    return reader


def result_of(reader: ReplyReader, *, with_done: bool) -> ReplyState | str:
    """End the stream, with or without `[DONE]`. Return the state, or that the reply was interrupted."""
    try:
        _ = reader.feed(DONE) if with_done else reader.end()
    except StreamInterruptedError:
        return INTERRUPTED
    return reader.state


def test_reply_state_docstring_draws_every_state() -> None:
    drawn = (ReplyState.__doc__ or "").split()

    assert {state.name for state in ReplyState} <= {word.strip(",") for word in drawn}


@pytest.mark.parametrize("state", BY_MESSAGE)
def test_answer_state_by_marks_of_message(state: ReplyState) -> None:
    assert answer_state(BY_MESSAGE[state]["message"]) is state


@pytest.mark.parametrize("after", BY_MESSAGE)
@pytest.mark.parametrize("before", PATHS)
def test_reply_state_changes_with_answer(before: ReplyState, after: ReplyState) -> None:
    reader = reader_in(before)
    reader.feed(item(BY_MESSAGE[after]))

    assert reader.state is after


@pytest.mark.parametrize("state", PATHS)
def test_reply_state_retracted_answer_is_waiting(state: ReplyState) -> None:
    reader = reader_in(state)
    reader.feed(item(HIDDEN))

    assert reader.state is ReplyState.WAITING
    assert (reader.text, reader.message_id) == ("", None)


@pytest.mark.parametrize(
    ("event", "changes"),
    [
        (ANOTHER, {ReplyState.COMPLETE: ReplyState.FINISHED}),
        (NOTICE, {}),
        (HANDOFF, {}),
        (
            COMPLETE,
            {
                ReplyState.UNMARKED: ReplyState.COMPLETE,
                ReplyState.GROWING: ReplyState.COMPLETE,
                ReplyState.ENDING: ReplyState.COMPLETE,
                ReplyState.FINISHED: ReplyState.COMPLETE,
            },
        ),
    ],
    ids=["another message", "another notice", "hand-off", "stream complete"],
)
@pytest.mark.parametrize("state", PATHS)
def test_reply_state_after_event_that_is_not_answer(
    state: ReplyState, event: dict[str, Any], changes: dict[ReplyState, ReplyState]
) -> None:
    reader = reader_in(state)
    reader.feed(item(event))

    assert reader.state is changes.get(state, state)


@pytest.mark.parametrize(
    ("state", "with_done", "without_done", "without_done_in_deltas"),
    [
        (ReplyState.WAITING, INTERRUPTED, INTERRUPTED, INTERRUPTED),
        (ReplyState.UNMARKED, ReplyState.DONE, ReplyState.DONE, INTERRUPTED),
        (ReplyState.GROWING, ReplyState.DONE, INTERRUPTED, INTERRUPTED),
        (ReplyState.REMARK, INTERRUPTED, INTERRUPTED, INTERRUPTED),
        (ReplyState.ENDING, ReplyState.DONE, INTERRUPTED, INTERRUPTED),
        (ReplyState.FINISHED, ReplyState.DONE, ReplyState.DONE, ReplyState.DONE),
        (ReplyState.COMPLETE, ReplyState.DONE, ReplyState.DONE, ReplyState.DONE),
    ],
)
def test_reply_state_at_end_of_stream(
    state: ReplyState,
    with_done: ReplyState | str,
    without_done: ReplyState | str,
    without_done_in_deltas: ReplyState | str,
) -> None:
    assert result_of(reader_in(state), with_done=True) == with_done
    assert result_of(reader_in(state, ENCODING), with_done=True) == with_done
    assert result_of(reader_in(state), with_done=False) == without_done
    assert result_of(reader_in(state, ENCODING), with_done=False) == without_done_in_deltas


@pytest.mark.parametrize("with_done", [True, False])
@pytest.mark.parametrize("state", PATHS)
def test_reply_state_at_end_of_stream_after_handoff(state: ReplyState, with_done: bool) -> None:
    is_finished = state in (ReplyState.ENDING, ReplyState.FINISHED, ReplyState.COMPLETE)
    reader = reader_in(state, HANDOFF)

    assert reader.is_settled
    assert result_of(reader, with_done=with_done) == (
        ReplyState.DONE if is_finished else ReplyState.ELSEWHERE
    )
    assert (reader.done, reader.is_elsewhere) == (is_finished, not is_finished)


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        (UNMARKED, ReplyState.ELSEWHERE),
        (GROWING, ReplyState.ELSEWHERE),
        (REMARKED, ReplyState.ELSEWHERE),
        (HIDDEN, ReplyState.ELSEWHERE),
        (ENDING, ReplyState.DONE),
        (FINISHED, ReplyState.DONE),
    ],
)
def test_reply_state_elsewhere_until_stored_answer_is_finished(
    answer: dict[str, Any], after: ReplyState
) -> None:
    reader = reader_in(ReplyState.GROWING, HANDOFF)
    reader.feed(DONE)
    assert reader.state is ReplyState.ELSEWHERE

    reader.take(answer["message"])

    assert reader.state is after


def test_reply_state_done_is_final() -> None:
    reader = reader_in(ReplyState.FINISHED)
    reader.feed(DONE)
    reader.feed(item(GROWING))
    reader.feed(item(HIDDEN))

    assert reader.done


@pytest.mark.parametrize("state", PATHS)
def test_is_settled_only_after_stream_complete_or_handoff(state: ReplyState) -> None:
    assert reader_in(state).is_settled is (state is ReplyState.COMPLETE)


def test_message_state_of_another_status_is_unmarked() -> None:
    assert answer_state(message("text", status="unknown")) is ReplyState.UNMARKED
