"""Parsing of the message in a request of the site's page."""

from __future__ import annotations

import json

import pytest

from chatgpt_browser import OptionNotAppliedError
from chatgpt_browser._core.models import Prompt
from chatgpt_browser._protocol.conversation_tree import Turn
from chatgpt_browser._transport.site_ui.captured_request import (
    CapturedRequest,
    check_captured_request,
    parse_captured_request,
)


def test_parse_captured_request_unknown_format_gives_empty_fields() -> None:
    message = {"id": "b", "content": {"parts": ["Hello"]}}
    body = {"messages": [{"id": "a"}, message], "conversation_id": "c", "parent_message_id": "p"}
    assert parse_captured_request(json.dumps(body)) == ("b", "Hello", "c", "p", None)
    assert parse_captured_request(json.dumps({"messages": [message]})) == ("b", "Hello", None, None, None)
    picture = {"id": 3, "content": {"parts": [{"asset": 1}, "Hello"]}}
    assert parse_captured_request(json.dumps({"messages": [picture]})) == CapturedRequest()
    for other in (
        None,
        "",
        "[]",
        "{}",
        '{"messages": []}',
        '{"messages": [{"id": "x"}]}',
        "no JSON",
        "[" * 10_000,
    ):
        assert parse_captured_request(other) == CapturedRequest()


@pytest.mark.parametrize("sent", [None, "gpt-5"])
def test_check_captured_request_same_or_unknown_model_passes(sent: str | None) -> None:
    check_captured_request(CapturedRequest("m", "Hello", model=sent), Prompt("Hello"), Turn(), model="gpt-5")


def test_check_captured_request_site_choice_passes() -> None:
    check_captured_request(CapturedRequest("m", "Hello", model="other"), Prompt("Hello"), Turn(), model=None)


def test_check_captured_request_other_model_raises_with_both_models() -> None:
    captured = CapturedRequest("m", "Hello", model="auto")
    with pytest.raises(OptionNotAppliedError, match="'auto' instead of 'gpt-5'") as caught:
        check_captured_request(captured, Prompt("Hello"), Turn(), model="gpt-5")
    error = caught.value
    assert (error.option, error.requested, error.sent) == ("model", "gpt-5", "auto")
