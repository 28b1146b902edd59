"""Tests of the conversion to plain text while the frames of a reply arrive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatgpt_browser._messaging.reply_assembler import ReplyAssembler
from chatgpt_browser._protocol.growing_plain_text import GrowingPlainText

#: A text for which no event is converted separately, because the budget per reply is used up after it.
LONG = "A paragraph with **bold** words.\n\n" * 300


def _event(text: str, status: str = "in_progress") -> dict[str, str]:
    content = {"content_type": "text", "parts": [text]}
    message = {"id": "m", "author": {"role": "assistant"}, "status": status, "content": content}
    return {"type": "", "data": json.dumps({"message": message, "conversation_id": "c"})}


def _frame(*events: dict[str, str]) -> list[Any]:
    return ["events", list(events), 1]


@pytest.fixture
def assembler() -> ReplyAssembler:
    """Return an assembler that has read a long reply, so that its budget for conversions is used up."""
    assembler = ReplyAssembler(markdown=False, want_events=False)
    assembler.add_frame(_frame(*(_event(LONG[: 34 * count]) for count in range(1, 301))))
    while assembler.read(64):
        pass
    return assembler


def test_read_while_frames_wait_delivers_the_text_with_a_later_frame(assembler: ReplyAssembler) -> None:
    assembler.add_frame(_frame(_event(LONG + "The **last** words.")))
    updates = assembler.read(64, frames_wait=True)
    assert updates is not None and updates[-1].text is not None and "last" not in updates[-1].text
    assembler.add_frame(["alive"])  # The last frame changes no text.
    updates = assembler.read(64)
    assert updates is not None
    assert [(update.text or "")[-15:] for update in updates] == ["The last words."]
    assert assembler.read(64) == []


def test_read_of_a_long_frame_converts_only_its_last_events(
    assembler: ReplyAssembler, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[str] = []
    whole = GrowingPlainText.whole

    def record(growing: GrowingPlainText, markdown: str) -> str:
        converted.append(markdown)
        return whole(growing, markdown)

    monkeypatch.setattr(GrowingPlainText, "whole", record)
    assembler.add_frame(_frame(*(_event(f"{LONG}{count}") for count in range(200))))
    while updates := assembler.read(64):
        newest = updates[-1].text
    assert newest is not None and newest.endswith("\n\n199")
    assert converted == [f"{LONG}199"]


def test_take_piece_while_frames_wait_returns_the_blocks_later() -> None:
    assembler = ReplyAssembler(markdown=False, want_events=False)
    pieces = []
    for words, frames_wait in (("One **two**.", True), ("Three.", True), ("Four.", False), ("Five.", True)):
        text = f"{assembler.reader.text}{words}\n\n" + "More words. " * 8 + "\n\n"
        assembler.add_frame(_frame(_event(text)))
        assembler.read(1, convert=False)
        pieces.append(assembler.take_piece(frames_wait=frames_wait))
    assert pieces[0] == pieces[1] == pieces[3] == "" and pieces[2].startswith("One two.")
    rest = assembler.take_piece(at_end=True)
    assert "".join(pieces) + rest == assembler.text
