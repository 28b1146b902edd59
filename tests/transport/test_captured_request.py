"""Parsing of the message in a request of the site's page."""

from __future__ import annotations

import json

from chatgpt_browser._transport.site_ui.captured_request import CapturedRequest, parse_captured_request


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
