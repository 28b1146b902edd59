"""Replies that continue with another feed: a resumed stream or the page's WebSocket, which may repeat events."""

from __future__ import annotations

from typing import Any

from chatgpt_browser._protocol.reply_reader import ReplyReader
from tests.support.reply_events import DONE, ENCODING, FINISHED, HANDOFF, TEXT, item, message, root

MARKED = {"status": "finished_successfully", "end_turn": True}
STARTED = (ENCODING, root("", status="in_progress"), {"p": TEXT, "o": "append", "v": "One"}, {"v": " two"})


def fed(*events: Any) -> tuple[ReplyReader, list[str]]:
    """Feed events to a new reader. Return the reader, and the text after each event that changed it."""
    reader = ReplyReader()
    items = [event if "data" in event else item(event) for event in events]
    return reader, [reader.text for each in items if reader.feed(each)]


def followed(reader: ReplyReader, *events: Any) -> list[str]:
    """Feed the events of another feed, and return the text after each change."""
    reader.follow()
    return [reader.text for each in events if reader.feed(each if "data" in each else item(each))]


def test_follow_feed_that_repeats_the_reply_shows_only_new_text() -> None:
    reader, _ = fed(*STARTED, HANDOFF, DONE)
    assert reader.is_elsewhere

    texts = followed(reader, *STARTED, {"v": " three"}, FINISHED, DONE)

    assert (texts, reader.done) == (["One two three"], True)


def test_follow_feed_that_only_continues_appends() -> None:
    reader, _ = fed(*STARTED, HANDOFF, DONE)

    assert followed(reader, {"v": " three"}, FINISHED, DONE) == ["One two three"]


def test_follow_feed_after_newer_stored_text_doubles_nothing() -> None:
    reader, _ = fed(*STARTED, HANDOFF, DONE)
    assert reader.take(message("One two three four", status="in_progress"))
    assert not reader.take(message("One two three", status="in_progress"))  # an older copy

    texts = followed(reader, {"v": " three"}, {"v": " four"}, {"v": " five"}, FINISHED, DONE)

    assert (texts, reader.text) == (["One two three four five"], "One two three four five")


def test_follow_feed_with_another_text_replaces_the_text() -> None:
    reader, _ = fed(*STARTED, HANDOFF, DONE)

    assert followed(reader, root("Uno"), root("Uno due", **MARKED), DONE) == ["Uno", "Uno due"]


def test_follow_finished_answer_that_is_shorter_is_the_answer() -> None:
    reader, _ = fed(*STARTED, HANDOFF, DONE)

    assert followed(reader, root("One", **MARKED), DONE) == ["One"]


def test_follow_feed_that_ends_early_leaves_the_rest_to_the_conversation() -> None:
    reader, _ = fed(*STARTED, HANDOFF, DONE)
    followed(reader, {"v": " three"})
    reader.end()

    assert (reader.is_elsewhere, reader.is_following, reader.text) == (True, False, "One two three")
