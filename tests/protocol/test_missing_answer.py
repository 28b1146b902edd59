"""Tests of the reasons for an answer that is missing or cut, and of the answer in a stored conversation."""

from __future__ import annotations

from typing import Any

import pytest

from chatgpt_browser import StreamInterruptedError
from chatgpt_browser._core.models import Head, Response
from chatgpt_browser._protocol.error_responses import document_error, status_error
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser._protocol.stored_answer import Progress, read_stored_answer
from tests.support.reply_events import DONE, ENCODING, REMARK, item, message, root, tree, user_message, whole

SYSTEM_ERROR: dict[str, Any] = {
    "id": "tool",
    "author": {"role": "tool", "name": "python"},
    "content": {"content_type": "system_error", "name": "tool_error", "text": "Error: out of memory"},
}
IMAGE: dict[str, Any] = {
    "id": "tool",
    "author": {"role": "tool"},
    "metadata": {"async_task_type": "image_gen"},
}
CUT = {"status": "finished_partial_completion", "metadata": {"finish_details": {"type": "max_tokens"}}}


def failure_of(*items: dict[str, str]) -> StreamInterruptedError:
    reader = ReplyReader()
    with pytest.raises(StreamInterruptedError) as raised:
        for each in items:
            reader.feed(each)
    return raised.value


def test_end_after_system_error_contains_its_text() -> None:
    error = failure_of(item(whole(**SYSTEM_ERROR)), DONE)

    assert str(error) == (
        "the stream ended without a reply. The site reported an error: Error: out of memory (tool_error)"
    )


def test_end_after_system_error_in_deltas_contains_its_whole_text() -> None:
    more = {"p": "/message/content/text", "o": "append", "v": " and time"}

    error = failure_of(ENCODING, item(root(**SYSTEM_ERROR), "delta"), item(more, "delta"), DONE)

    assert "out of memory and time" in str(error)


def test_end_after_system_error_with_answer_is_a_reply() -> None:
    reader = ReplyReader()
    for each in (item(whole(**SYSTEM_ERROR)), item(whole("Hello")), DONE):
        reader.feed(each)

    assert (reader.done, reader.text) == (True, "Hello")


def test_end_after_image_task_names_the_task() -> None:
    error = failure_of(item(whole(**IMAGE)), DONE)

    assert "a reply. A task of the site is still running (image_gen)" in str(error)


def test_end_after_remark_and_system_error_contains_both() -> None:
    error = failure_of(item(whole("Let me look.", id="remark", **REMARK)), item(whole(**SYSTEM_ERROR)), DONE)

    assert "ended with a remark" in str(error) and "out of memory" in str(error)


@pytest.mark.parametrize("fields", [CUT, CUT | {"status": "finished_successfully", "end_turn": False}])
@pytest.mark.parametrize("form", [whole, root])
def test_end_of_answer_cut_at_its_length_is_a_reply_with_finish_type(
    form: Any, fields: dict[str, Any]
) -> None:
    reader = ReplyReader()
    for each in (item(form("Hel", **fields)), DONE):
        reader.feed(each)

    assert (reader.done, reader.text, reader.finish_type) == (True, "Hel", "max_tokens")


# ---- documents in place of a stream ----------------------------------------------------------------------------------


def response(text: str, status: int = 200) -> Response:
    return Response(Head(status, "OK", {"content-type": "application/json"}), text)


def test_document_error_of_websocket_address_is_interrupted_with_conversation_id() -> None:
    error = document_error(response('{"wss_url": "wss://x/?access_token=secret", "conversation_id": "c1"}'))

    assert isinstance(error, StreamInterruptedError)
    assert error.conversation_id == "c1"
    assert "WebSocket" in str(error) and "secret" not in str(error)


def test_document_error_contains_words_of_the_site() -> None:
    error = document_error(response('{"conversation_id": "c1", "message": "Queued."}'))

    assert str(error).endswith("The site's words: Queued.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"detail": "No."}', "No."),
        ('{"error": {"message": "No.", "code": "x"}}', "No."),
        ('{"error": "No."}', "No."),
        ('{"detail": {"message": {"text": "No."}}}', "No."),
    ],
)
def test_document_error_with_error_is_status_error_with_its_words(text: str, words: str) -> None:
    for error in (document_error(response(text)), status_error(response(text, 400))):
        assert str(error).endswith(f": {words}")


# ---- stored conversations --------------------------------------------------------------------------------------------

QUESTION = user_message("question")
DONE_ANSWER = message("Hello", status="finished_successfully", end_turn=True)
STOPPED = {"status": "finished_partial_completion", "metadata": {"finish_details": {"type": "interrupted"}}}
THOUGHTS = message("…", id="thoughts", content={"content_type": "thoughts"}, status="finished_successfully")

STORED: list[tuple[Any, Progress]] = [
    (tree(QUESTION, DONE_ANSWER), Progress.COMPLETE),
    (tree(QUESTION, THOUGHTS, DONE_ANSWER), Progress.COMPLETE),
    (tree(QUESTION, message("Hel", **CUT)), Progress.COMPLETE),
    (tree(QUESTION, message("Hel", status="in_progress")), Progress.UNDER_WAY),
    (tree(QUESTION, THOUGHTS), Progress.UNDER_WAY),
    (tree(QUESTION, message("Let me look.", id="remark", **REMARK)), Progress.UNDER_WAY),
    (tree(QUESTION) | {"async_status": 2}, Progress.UNDER_WAY),
    (tree(QUESTION, message("Hel", **STOPPED)), Progress.STOPPED),
    (tree(QUESTION, message("Hel")), Progress.STOPPED),
    (tree(QUESTION), Progress.MISSING),
    (tree(user_message("another"), DONE_ANSWER), Progress.MISSING),
    (tree(QUESTION, user_message("another"), DONE_ANSWER), Progress.MISSING),
    ({}, Progress.MISSING),
    (None, Progress.MISSING),
    ([], Progress.MISSING),
]


@pytest.mark.parametrize(("data", "progress"), STORED)
def test_read_stored_answer_progress(data: Any, progress: Progress) -> None:
    assert read_stored_answer(data, ("question", None), None).progress is progress
