"""Parsing of large JSON in a thread: other threads run meanwhile, and the number of values is limited."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatgpt_browser import APIStatusError
from chatgpt_browser._core.models import Head, Response
from chatgpt_browser._protocol import large_json
from chatgpt_browser._protocol.error_responses import read_large_json
from chatgpt_browser._protocol.large_json import TooManyValuesError, parse_in_thread


def test_parse_in_thread_calls_python_for_each_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """At each call of a Python function, the interpreter can switch to the event loop's thread."""
    found: list[Any] = []

    def note(value: dict[str, Any]) -> dict[str, Any]:
        found.append(value)
        return value

    monkeypatch.setattr(large_json, "_unchanged", note)

    assert parse_in_thread('{"a": [{"b": 1}, {}]}') == {"a": [{"b": 1}, {}]}
    assert len(found) == 3


@pytest.mark.parametrize("text", ["[],", "{},", "1,", '"a",', "[[", '{"a":', '"\\"",[],'])
def test_parse_in_thread_too_many_values_raises_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "MAX_VALUES", 100)

    with pytest.raises(TooManyValuesError):
        parse_in_thread(f"[{text * 101}")


def test_parse_in_thread_brackets_in_texts_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "MAX_VALUES", 10)
    value = {"a": ["[{,\\" * 100, '"[' * 100], "b": "\\" * 7 + '"'}

    assert parse_in_thread(json.dumps(value)) == value


def test_read_large_json_bad_body_raises_status_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "MAX_VALUES", 100)
    for text in ("[" + "1," * 101, "{", "[" * 90):
        with pytest.raises(APIStatusError):
            read_large_json(Response(Head(200), text))
