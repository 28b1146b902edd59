"""The log of the page's requests after a click on the send button, as plain data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatgpt_browser._core.urls import Site
from chatgpt_browser._transport.site_ui.request_log import RequestLog

SITE = Site("https://chatgpt.com/api", "https://chatgpt.com/backend-api")
TEXT = 'Say "Grüße"\nto Ada.'
BACKEND = SITE.backend_api_base_url


def log_of(*requests: tuple[str, str]) -> RequestLog:
    """Return a log with these requests, each a method and a URL. The id of a request is its position."""
    log = RequestLog(SITE)
    for number, (method, url) in enumerate(requests):
        log.begin({"requestId": str(number), "request": {"method": method, "url": url}})
    return log


def test_request_log_description_has_results_and_nothing_private() -> None:
    log = log_of(
        ("POST", f"{BACKEND}/sentinel/chat-requirements/prepare"),
        ("GET", f"{SITE.session_url}?secret=1"),
        ("GET", f"{BACKEND}/conversation/6ac1b7f2-1111-83ea-9999-0123456789ab/stream_status"),
        ("GET", f"{BACKEND}/share/{'x' * 40}"),
        ("POST", "https://chatgpt.com/ces/t"),
        ("GET", "https://example.com/backend-api/x"),
    )
    log.respond({"requestId": "0", "response": {"status": 403}})
    log.fail({"requestId": "0", "errorText": "net::ERR_ABORTED"})
    log.fail({"requestId": "1", "errorText": "net::ERR_CONNECTION_RESET"})
    log.respond({"requestId": "4", "response": {"status": 200}})
    assert log.describe() == (
        "POST /backend-api/sentinel/chat-requirements/prepare 403, GET /api/auth/session net::ERR_CONNECTION_RESET, "
        "GET /backend-api/conversation/*/stream_status pending, GET /backend-api/share/* pending"
    )
    assert log.is_pending
    log.clear()
    assert (log.describe(), log.is_pending) == ("none", False)


def test_request_log_is_loading_until_each_request_has_ended() -> None:
    log = log_of(
        ("GET", f"{BACKEND}/models"), ("GET", "https://challenges.example/api.js"), ("GET", f"{BACKEND}/me")
    )
    for kind in ("EventSource", "Ping"):
        request = {"method": "POST", "url": "https://chatgpt.com/ces/t"}
        log.begin({"requestId": kind, "type": kind, "request": request})
    assert log.is_reacting
    log.clear(TEXT)
    assert not log.is_reacting
    log.respond({"requestId": "0", "response": {"status": 200}})
    for end in ("finish", "fail", "cancel"):
        assert log.is_loading
        if end == "cancel":
            log.cancel()
        else:
            getattr(log, end)({"requestId": "0" if end == "finish" else "1"})
    assert not log.is_loading
    assert not log.is_pending


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("POST", f"{BACKEND}/f/conversation/prepare", False),
        ("GET", f"{BACKEND}/conversations", False),
        ("POST", "https://chatgpt.com/ces/t", False),
        ("POST", f"{BACKEND}/g/conversation", True),
        ("PUT", f"{BACKEND}/messages", True),
    ],
)
def test_request_log_may_contain_message_only_if_data_was_sent(method: str, url: str, expected: bool) -> None:
    assert log_of((method, url)).may_contain_message is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"postData": '{"event": "click"}', "hasPostData": True}, False),
        ({}, False),
        ({"hasPostData": True}, True),
        ({"postData": json.dumps({"text": TEXT}), "hasPostData": True}, True),
        ({"postData": json.dumps({"text": TEXT}, ensure_ascii=False), "hasPostData": True}, True),
    ],
)
def test_request_log_request_to_another_address_may_contain_message_only_with_its_text(
    body: dict[str, Any], expected: bool
) -> None:
    log = RequestLog(SITE)
    log.clear(TEXT)
    request = {"method": "POST", "url": "https://api.example.com/messages", **body}
    log.begin({"requestId": "1", "request": request})
    assert log.may_contain_message is expected
    assert log.describe() == "none"


def test_request_log_sent_socket_frame_may_contain_message() -> None:
    log = log_of()
    log.add_socket_frame({"requestId": "7"})
    assert log.may_contain_message
    log.clear()
    assert not log.may_contain_message
