"""The wire as plain data: requests as they leave, answers as they are understood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatgpt_browser import (
    AccessTokenRejectedError,
    APIStatusError,
    AuthenticationError,
    ChallengeError,
    ConversationNotFoundError,
    MessageTooLongError,
    OriginError,
    RateLimitError,
    SessionExpiredError,
    UnusualActivityError,
)
from chatgpt_browser._core.models import Head, Prompt, Response
from chatgpt_browser._core.urls import Site
from chatgpt_browser._protocol.error_responses import is_challenge, read_json, status_error
from chatgpt_browser._protocol.requests import backend_request, message_request, session_request
from chatgpt_browser._protocol.session import read_session

SITE = Site("https://chat.openai.com/api", "https://chat.openai.com/backend-api")
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=UTF-8"}


def refusal(status: int, detail: Any = None, headers: dict[str, str] | None = None) -> Any:
    return status_error(
        Response(Head(status, "Reason", JSON | (headers or {})), json.dumps({"detail": detail}))
    )


# ---- requests --------------------------------------------------------------------------------------------------------


def test_a_new_message() -> None:
    request = message_request(SITE, Prompt("Grüße"), message_id="m1", model="a-model", access_token="token")
    body = json.loads(request.body or "")

    assert (request.method, request.url) == ("POST", "https://chat.openai.com/backend-api/conversation")
    assert request.stream
    assert request.headers == {
        "accept": "text/event-stream",
        "authorization": "Bearer token",
        "content-type": "application/json",
        "x-openai-assistant-app-id": "",
    }
    assert set(body) == {"action", "messages", "model", "parent_message_id"}
    assert (body["action"], body["model"]) == ("next", "a-model")
    (message,) = body["messages"]
    assert message["content"] == {"content_type": "text", "parts": ["Grüße"]}
    assert message["role"] == "user"
    assert len({message["id"], body["parent_message_id"]}) == 2


def test_a_message_in_its_place() -> None:
    request = message_request(
        SITE, Prompt("x", "conversation", "parent"), message_id="m1", model="m", access_token="t"
    )
    body = json.loads(request.body or "")

    assert (body["conversation_id"], body["parent_message_id"]) == ("conversation", "parent")


def test_no_request_shows_its_secrets() -> None:
    request = message_request(SITE, Prompt("a secret"), message_id="m1", model="m", access_token="t0ken")

    assert "t0ken" not in repr(request)
    assert "a secret" not in repr(request)


def test_other_requests() -> None:
    assert session_request(SITE).url == "https://chat.openai.com/api/auth/session"
    assert backend_request(SITE, "GET", "models", None, access_token="t").body is None
    assert (
        backend_request(SITE, "PATCH", "x", {"title": 'a "b"'}, access_token="t").body
        == '{"title": "a \\"b\\""}'
    )


# ---- the session -----------------------------------------------------------------------------------------------------


def test_a_session() -> None:
    data = {
        "user": {"id": "user-1", "name": "Ada", "email": None, "groups": ["a"], "unknown": 1},
        "expires": "2030-01-02T03:04:05.678Z",
        "accessToken": "t0ken",
    }
    session = read_session(Response(Head(200), json.dumps(data)))

    assert (session.user.id, session.user.name, session.user.email, session.user.groups) == (
        "user-1",
        "Ada",
        None,
        ("a",),
    )
    assert session.expires is not None
    assert session.expires.isoformat() == "2030-01-02T03:04:05.678000+00:00"
    assert session.access_token == "t0ken"
    assert "t0ken" not in repr(session)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (200, "{}", SessionExpiredError, "Error: Unauthorized .*session token may have expired"),
        (200, '{"accessToken": ""}', SessionExpiredError, "Unauthorized"),
        (
            200,
            '{"error": "RefreshAccessTokenError", "accessToken": "old"}',
            SessionExpiredError,
            "Error: session token may have expired$",
        ),
        (200, '{"error": "Other", "accessToken": "old"}', AuthenticationError, "Error: Other$"),
        (200, "<html>", AuthenticationError, "not a JSON object"),
        (200, "[]", AuthenticationError, "not a JSON object"),
        (304, "", AuthenticationError, "Error: 304 Reason$"),
        (500, "{}", AuthenticationError, "Error: 500 Reason$"),
        (403, '{"accessToken": "t"}', AuthenticationError, "Error: 403 Reason$"),
    ],
)
def test_no_session(status: int, body: str, kind: type[AuthenticationError], message: str) -> None:
    with pytest.raises(
        kind, match=f"^ChatGPT failed to refresh auth token. {message}" if message[0] == "E" else message
    ) as caught:
        read_session(Response(Head(status, "Reason"), body))

    assert type(caught.value) is kind
    assert caught.value.status_code == status


# ---- refusals --------------------------------------------------------------------------------------------------------


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
def test_each_refusal_has_its_own_meaning(
    status: int, detail: Any, kind: type[APIStatusError], code: str | None
) -> None:
    error: APIStatusError = refusal(status, detail)

    assert error.__class__ is kind
    assert (error.status_code, error.detail, error.code) == (status, detail, code)
    assert json.loads(error.body or "") == {"detail": detail}


@pytest.mark.parametrize(
    ("detail", "says"),
    [
        ("a sentence", "ChatGPTAPI error 422: a sentence"),
        ({"message": "a sentence", "code": "x"}, "ChatGPTAPI error 422: a sentence"),
        ({"code": "x"}, "ChatGPTAPI error 422: x"),
        ([{"loc": ["body", 0], "msg": "bad"}, "odd"], "ChatGPTAPI error 422: body.0: bad; odd"),
        (None, "ChatGPTAPI error 422: Reason"),
    ],
)
def test_a_message_says_what_the_site_said(detail: Any, says: str) -> None:
    assert str(refusal(422, detail)) == says


def test_a_page_is_called_by_its_title() -> None:
    error = status_error(Response(Head(502, "", HTML), "<html><title> Bad gateway </title>"))

    assert str(error) == "ChatGPTAPI error 502: Bad gateway"
    assert str(status_error(Response(Head(502, "", HTML), "<html>"))) == "ChatGPTAPI error 502: no detail"


ONE_AT_A_TIME = (
    "Only one message at a time. Please allow any other responses to complete before sending another message, "
    "or wait one minute."
)


@pytest.mark.parametrize(
    ("detail", "header", "retry_after", "place", "scope"),
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
def test_a_rate_limit_names_its_delay_and_scope(
    detail: Any, header: str | None, retry_after: float | None, place: str | None, scope: str | None
) -> None:
    error = refusal(429, detail, {} if header is None else {"retry-after": header})

    assert isinstance(error, RateLimitError)
    assert (error.retry_after, error.retry_after_from, error.scope) == (retry_after, place, scope)


@pytest.mark.parametrize(
    ("head", "text", "challenged"),
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
def test_what_is_a_challenge(head: Head, text: str, challenged: bool) -> None:
    assert is_challenge(head, text) is challenged
    assert isinstance(status_error(Response(head, text)), ChallengeError) is challenged


def test_a_challenge_says_what_to_do() -> None:
    error = status_error(Response(Head(403, "", HTML | {"cf-mitigated": "challenge"}), ""))

    assert "chatgpt-browser login" in str(error)


def test_a_redirect_is_no_answer() -> None:
    assert isinstance(status_error(Response(Head(0, redirected=True), "")), OriginError)


def test_an_answer_that_is_no_json() -> None:
    assert read_json(Response(Head(200, "", JSON), "[1]")) == [1]
    with pytest.raises(APIStatusError) as caught:
        read_json(Response(Head(200, "", HTML), "<title>Hello</title>"))

    assert (caught.value.status_code, caught.value.body) == (200, "<title>Hello</title>")
