"""Tests of assembling the newest event from the pieces that the page delivers."""

from __future__ import annotations

from chatgpt_browser._protocol.event_assembler import EventAssembler


def test_event_assembler_restores_data_exactly() -> None:
    assembler = EventAssembler()
    assembler.replace(
        {"type": "", "head": '{"a": 1.0, "parts": ["', "text": "\\u00e9", "tail": '"], "b": 1e2}'}
    )
    assembler.grow("\\n")
    assembler.grow("x")

    assert assembler.data == '{"a": 1.0, "parts": ["\\u00e9\\nx"], "b": 1e2}'
    assert assembler.parse() == {"a": 1.0, "parts": ["é\nx"], "b": 100.0}
