"""Responses to the session request through Chromium: the error of each, and how often the request is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from chatgpt_browser import (
    APIConnectionError,
    AuthenticationError,
    ChatGPTAPI,
    SessionExpiredError,
)
from chatgpt_browser.testing import Answer, Break, FakeChatGPT, RawBody
from tests.support.scripted_site import base_urls, posts_of, refreshes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Connect, Serve


@pytest.fixture(scope="module")
def uncached_pair() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    """A server, and a client without a token cache: each call requests the session."""
    with FakeChatGPT() as server:
        with ChatGPTAPI(server.session_token, access_token_ttl=0, **base_urls(server)) as api:
            api.start()
            yield server, api


class SessionCase(NamedTuple):
    """A response to every session request, and its outcome."""

    answer: Any
    kind: type[Exception]
    #: The number of times that the server receives the request.
    sent: int
    #: A part of the error's message.
    text: str
    status: int | None


REFRESH_FAILED = "ChatGPT failed to refresh auth token."

SESSION_CASES = {
    "200 {}": SessionCase("signed_out", SessionExpiredError, 1, "session token may have expired", 200),
    "RefreshAccessTokenError": SessionCase("refresh_error", SessionExpiredError, 1, "may have expired", 200),
    "another error": SessionCase(
        Answer(200, {"error": "Whatever", "accessToken": "x"}), AuthenticationError, 1, "Whatever", 200
    ),
    "200 HTML": SessionCase(Answer(200, "<p>Hello"), AuthenticationError, 1, "not a JSON object", 200),
    "200 list": SessionCase(Answer(200, [1]), AuthenticationError, 1, "not a JSON object", 200),
    "200 without body": SessionCase(Answer(200), AuthenticationError, 1, "not a JSON object", 200),
    "200 incomplete": SessionCase(
        RawBody([b'{"accessToken": "x'], content_type="application/json"),
        AuthenticationError,
        1,
        "not a JSON",
        200,
    ),
    "200 without a token": SessionCase(
        Answer(200, {"user": {}}), SessionExpiredError, 1, "session token may have expired", 200
    ),
    "200 with an empty token": SessionCase(
        Answer(200, {"accessToken": ""}), SessionExpiredError, 1, "session token may have expired", 200
    ),
    "200 with a token of another type": SessionCase(
        Answer(200, {"accessToken": 7}), SessionExpiredError, 1, "session token may have expired", 200
    ),
    "304": SessionCase(Answer(304), AuthenticationError, 1, "304", 304),
    "401": SessionCase(Answer(401, {}), AuthenticationError, 1, "401", 401),
    "403": SessionCase(Answer.unusual_activity(), AuthenticationError, 1, "403", 403),
    "429": SessionCase(Answer.too_many_requests(), AuthenticationError, 1, "429", 429),
    "500 JSON": SessionCase(Answer.server_error(), AuthenticationError, 3, "500", 500),
    "503 HTML": SessionCase(Answer.overloaded_html(503), AuthenticationError, 3, "503", 503),
    "network": SessionCase(Break(), APIConnectionError, 3, "Failed to fetch", None),
}


@pytest.mark.parametrize("case", SESSION_CASES.values(), ids=SESSION_CASES)
def test_session_response_raises_its_error(
    uncached_pair: tuple[FakeChatGPT, ChatGPTAPI], case: SessionCase
) -> None:
    server, api = uncached_pair
    before, posts = len(refreshes_of(server.requests)), len(posts_of(server.requests))
    server.session_answer = case.answer
    try:
        with pytest.raises(case.kind) as caught:
            api.send_message("hello")
    finally:
        server.session_answer = "alive"

    error = caught.value
    assert type(error) is case.kind
    assert str(error).startswith(REFRESH_FAILED)
    assert case.text in str(error)
    assert getattr(error, "status_code", None) == case.status
    assert len(refreshes_of(server.requests)) - before == case.sent
    assert len(posts_of(server.requests)) == posts
    assert api.send_message("hello") == 'You said: "hello".'


@pytest.mark.parametrize("failure", [Answer.server_error(), Answer.overloaded_html(), Break()], ids=repr)
def test_session_request_after_one_failure_is_retried(
    uncached_pair: tuple[FakeChatGPT, ChatGPTAPI], failure: Any
) -> None:
    server, api = uncached_pair
    server.script_session(failure)
    assert api.get_is_authenticated()


@pytest.mark.parametrize(
    "answer", ["signed_out", "refresh_error", Answer.server_error(), Answer(304)], ids=str
)
def test_get_is_authenticated_without_session_returns_false(
    uncached_pair: tuple[FakeChatGPT, ChatGPTAPI], answer: Any
) -> None:
    server, api = uncached_pair
    server.session_answer = answer
    try:
        assert api.get_is_authenticated() is False
    finally:
        server.session_answer = "alive"


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "answer", [Answer(304), Answer.server_error(), Answer(200), Answer(204), Break()], ids=str
)
def test_first_document_with_any_response_does_not_prevent_messages(
    serve: Serve, connect: Connect, answer: Any
) -> None:
    """The page is opened at the session's URL. The content of that document does not matter."""
    server = serve()
    server.script_session(answer)
    api = connect(server)
    if isinstance(answer, Break):
        with pytest.raises(APIConnectionError, match="net::ERR_"):
            api.start()
    assert api.send_message("hello") == 'You said: "hello".'


def test_session_refusal_with_invalid_utf8_keeps_its_status(
    uncached_pair: tuple[FakeChatGPT, ChatGPTAPI],
) -> None:
    server, api = uncached_pair
    page = b"<title>Forbidden \xe9</title>"
    server.script_session(Answer(403, page, content_type="text/html; charset=iso-8859-1"))
    with pytest.raises(AuthenticationError, match="403") as refused:
        api.ensure_auth()
    assert type(refused.value) is AuthenticationError


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"accessToken": "x", "user": {"groups": 5, "features": true}}']
)
def test_session_response_with_malformed_json_does_not_crash(
    uncached_pair: tuple[FakeChatGPT, ChatGPTAPI], text: str
) -> None:
    server, api = uncached_pair
    server.script_session(Answer(200, text, content_type="application/json"))
    assert api.get_is_authenticated() == text.startswith("{")


def test_session_refusal_error_contains_message_of_the_site(
    uncached_pair: tuple[FakeChatGPT, ChatGPTAPI],
) -> None:
    server, api = uncached_pair
    server.script_session(Answer.unusual_activity())
    with pytest.raises(AuthenticationError, match="403.*unusual activity"):
        api.ensure_auth()


def test_session_redirect_means_not_authenticated(
    uncached_pair: tuple[FakeChatGPT, ChatGPTAPI],
) -> None:
    server, api = uncached_pair
    server.script_session(Answer(302, "", [("location", "/login")]))
    assert api.get_is_authenticated() is False
    assert api.get_is_authenticated() is True


def test_first_document_after_network_failure_is_requested_again(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.script_session(Break())
    assert connect(server).send_message("hello") == 'You said: "hello".'
