"""Tests of the errors that stand for the site's error responses, and of detecting challenges."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from chatgpt_browser import (
    AccessTokenRejectedError,
    APIStatusError,
    ChallengeError,
    ConversationNotFoundError,
    MessageTooLongError,
    OriginError,
    RateLimitError,
    UnusualActivityError,
)
from chatgpt_browser._core.models import Head, Response
from chatgpt_browser._protocol.error_responses import is_challenge, read_json, status_error

JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=UTF-8"}
ONE_AT_A_TIME = (
    "Only one message at a time. Please allow any other responses to complete before sending another message, "
    "or wait one minute."
)


def error_of(status: int, detail: Any = None, headers: dict[str, str] | None = None) -> Any:
    """Return the error for a JSON response with this detail."""
    head = Head(status, "Reason", JSON | (headers or {}))
    return status_error(Response(head, json.dumps({"detail": detail})))


@pytest.mark.parametrize(
    ("status", "detail", "kind", "code"),
    [
        (
            401,
            {"message": "Your token has expired", "code": "token_expired"},
            AccessTokenRejectedError,
            "token_expired",
        ),
        (401, {"message": "No", "code": "invalid_jwt"}, AccessTokenRejectedError, "invalid_jwt"),
        (403, "Our systems have detected unusual activity from your system.", UnusualActivityError, None),
        (403, "Suspicious activity was detected in your account.", UnusualActivityError, None),
        (429, "Suspicious activity was detected in your account.", UnusualActivityError, None),
        (
            404,
            {"message": "Conversation not found", "code": "conversation_not_found"},
            ConversationNotFoundError,
            "conversation_not_found",
        ),
        (404, "Not found", ConversationNotFoundError, None),
        (
            413,
            {"message": "Too long", "code": "message_length_exceeds_limit"},
            MessageTooLongError,
            "message_length_exceeds_limit",
        ),
        (422, [{"loc": ["body", "model"], "msg": "field required", "type": "missing"}], APIStatusError, None),
        (500, "Something went wrong", APIStatusError, None),
    ],
)
def test_status_error_class_by_status_and_code(
    status: int, detail: Any, kind: type[APIStatusError], code: str | None
) -> None:
    error: APIStatusError = error_of(status, detail)

    assert error.__class__ is kind
    assert (error.status_code, error.detail, error.code) == (status, detail, code)
    assert json.loads(error.body or "") == {"detail": detail}


@pytest.mark.parametrize(
    ("detail", "message"),
    [
        ("a sentence", "ChatGPTAPI error 422: a sentence"),
        ({"message": "a sentence", "code": "x"}, "ChatGPTAPI error 422: a sentence"),
        ({"code": "x"}, "ChatGPTAPI error 422: x"),
        ([{"loc": ["body", 0], "msg": "bad"}, "odd"], "ChatGPTAPI error 422: body.0: bad; odd"),
        (None, "ChatGPTAPI error 422: Reason"),
    ],
)
def test_status_error_message_contains_detail(detail: Any, message: str) -> None:
    assert str(error_of(422, detail)) == message


def test_status_error_of_html_contains_title() -> None:
    error = status_error(Response(Head(502, "", HTML), "<html><title> Bad gateway </title>"))

    assert str(error) == "ChatGPTAPI error 502: Bad gateway"
    assert str(status_error(Response(Head(502, "", HTML), "<html>"))) == "ChatGPTAPI error 502: no detail"


@pytest.mark.parametrize(
    ("detail", "header", "retry_after", "source", "scope"),
    [
        (ONE_AT_A_TIME, None, 60.0, "text", "concurrency"),
        (ONE_AT_A_TIME, "3", 3.0, "header", "concurrency"),
        ("Too many requests in 1 hour. Try again later.", None, 3600.0, "text", "hour"),
        ("Too many requests in 1 hour. Try again later.", "120", 120.0, "header", "hour"),
        ({"message": "Cap", "code": "model_cap_exceeded", "clears_in": 90}, None, 90.0, "body", "model"),
        ({"message": "Cap", "code": "model_cap_exceeded", "clears_in": 90}, "30", 30.0, "header", "model"),
        ("No.", None, None, None, None),
        ("No.", "soon", None, None, None),
        ("No.", "-5", None, None, None),
        ("No.", "inf", None, None, None),
    ],
)
def test_status_error_rate_limit_has_delay_and_scope(
    detail: Any, header: str | None, retry_after: float | None, source: str | None, scope: str | None
) -> None:
    error = error_of(429, detail, {} if header is None else {"retry-after": header})

    assert isinstance(error, RateLimitError)
    assert (error.retry_after, error.retry_after_from, error.scope) == (retry_after, source, scope)


@pytest.mark.parametrize(
    ("head", "text", "expected"),
    [
        (Head(403, "", HTML | {"cf-mitigated": "challenge"}), "", True),
        (Head(200, "", JSON | {"cf-mitigated": "challenge"}), "", True),
        (Head(403, "", HTML), "<title>Just a moment...</title>", True),
        (Head(503, "", HTML), "window._cf_chl_opt = {}", True),
        (Head(403, "", HTML), "Please stand by, while we are checking your browser", True),
        (Head(403, "", JSON), '{"detail": "Just a moment..."}', False),
        (Head(200, "", HTML), "Just a moment...", False),
        (Head(403, "", HTML | {"server": "cloudflare"}), "Access denied", False),
    ],
)
def test_is_challenge_by_header_or_html(head: Head, text: str, expected: bool) -> None:
    assert is_challenge(head, text) is expected
    assert isinstance(status_error(Response(head, text)), ChallengeError) is expected


def test_status_error_challenge_names_login_command() -> None:
    error = status_error(Response(Head(403, "", HTML | {"cf-mitigated": "challenge"}), ""))

    assert "chatgpt-browser login" in str(error)


def test_status_error_redirect_is_origin_error() -> None:
    assert isinstance(status_error(Response(Head(0, redirected=True), "")), OriginError)


def test_read_json_body_not_json_raises_api_status_error() -> None:
    assert read_json(Response(Head(200, "", JSON), "[1]")) == [1]
    with pytest.raises(APIStatusError) as caught:
        read_json(Response(Head(200, "", HTML), "<title>Hello</title>"))

    assert (caught.value.status_code, caught.value.body) == (200, "<title>Hello</title>")


@pytest.mark.parametrize("header", ["1e300", "1e11", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_status_error_huge_retry_after_is_limited(header: str) -> None:
    error = error_of(429, "No.", {"retry-after": header, "date": "Sat, 28 Nov 2026 00:00:00 GMT"})

    assert isinstance(error, RateLimitError)
    assert error.retry_after == 31 * 24 * 3600
    assert timedelta(seconds=error.retry_after)


def test_status_error_huge_clears_in_is_limited() -> None:
    error = error_of(429, {"code": "model_cap_exceeded", "clears_in": 1e300})

    assert isinstance(error, RateLimitError) and error.retry_after == 31 * 24 * 3600


def test_status_error_retry_after_with_impossible_time_zone_is_ignored() -> None:
    headers = {
        "retry-after": "Sat, 28 Nov 2026 00:00:00 +99999999999999",
        "date": "Sat, 28 Nov 2026 00:00:00 GMT",
    }

    assert isinstance(error_of(429, "No.", headers), RateLimitError)
