"""Tests of reading the session endpoint's response."""

from __future__ import annotations

import json

import pytest

from chatgpt_browser import AuthenticationError, SessionExpiredError
from chatgpt_browser._core.models import Head, Response
from chatgpt_browser._protocol.session import read_session


def test_read_session_valid_response_returns_session() -> None:
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


def test_read_session_names_of_other_types_are_left_out() -> None:
    deep: list[object] = []
    for _ in range(300):
        deep = [deep]
    data = {"accessToken": "t", "user": {"groups": ["a", 7, None, deep, {}]}}

    assert read_session(Response(Head(200), json.dumps(data))).user.groups == ("a",)


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (
            200,
            '{"error": {"message": "No room", "code": "full"}}',
            AuthenticationError,
            r"Error: No room \(full\)$",
        ),
        (200, '{"error": [[]]}', AuthenticationError, "Error: the site did not give a reason"),
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
def test_read_session_invalid_response_raises_authentication_error(
    status: int, body: str, kind: type[AuthenticationError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        read_session(Response(Head(status, "Reason"), body))

    assert str(caught.value).startswith("ChatGPT failed to refresh auth token. Error: ")

    assert type(caught.value) is kind
    assert caught.value.status_code == status
