"""Every answer that the site is known to give, through Chromium: what the caller gets, and how often the server was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from chatgpt_browser import (
    AccessTokenRejectedError,
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BrowserLaunchError,
    ChatGPTTimeoutError,
    ConversationNotFoundError,
    MessageTooLongError,
    RateLimitError,
    SessionExpiredError,
    StreamInterruptedError,
    UnusualActivityError,
)
from chatgpt_browser.testing import BREAK, Answer, Break, RawBody
from tests.support.scripted_site import posts_of, refreshes_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite

ONE_AT_A_TIME = Answer.one_message_at_a_time()


class Case(NamedTuple):
    """An answer to a message, and what becomes of it. ``sent``: how often the server gets the message."""

    answer: Answer
    kind: type[Exception]
    sent: int = 1
    says: str = ""
    attributes: dict[str, Any] = {}


def detail_of(answer: Answer) -> Any:
    assert isinstance(answer.body, dict)
    return answer.body["detail"]


CASES = {
    "401 token_expired": Case(
        Answer.token_expired(), AccessTokenRejectedError, 2, "has expired", {"code": "token_expired"}
    ),
    "401 invalid_jwt": Case(
        Answer.invalid_jwt(), AccessTokenRejectedError, 2, "Could not parse", {"code": "invalid_jwt"}
    ),
    "401 by the status alone": Case(Answer(401), AccessTokenRejectedError, 2, "401", {"code": None}),
    "403 unusual activity": Case(
        Answer.unusual_activity(), UnusualActivityError, 1, "unusual activity from your system"
    ),
    "403 of the device": Case(Answer.unusual_activity("device"), UnusualActivityError, 1, "from your device"),
    "404": Case(
        Answer.conversation_not_found(),
        ConversationNotFoundError,
        1,
        "Conversation not found",
        {"code": "conversation_not_found"},
    ),
    "404 of a parent": Case(Answer.parent_not_found(), ConversationNotFoundError, 1, "Parent message"),
    "404 as a string": Case(
        Answer.error(404, "Can't load conversation"),
        ConversationNotFoundError,
        1,
        "Can't load",
        {"code": None},
    ),
    "413": Case(
        Answer.message_too_long(),
        MessageTooLongError,
        1,
        "too long",
        {"code": "message_length_exceeds_limit"},
    ),
    "422 list": Case(Answer.unprocessable(), APIStatusError, 1, "body.parent_message_id: field required"),
    "429 hour, no header": Case(
        Answer.too_many_requests(), RateLimitError, 1, "in 1 hour", {"scope": "hour", "retry_after": 3600.0}
    ),
    "429 hour, short header": Case(
        Answer.too_many_requests(0.01), RateLimitError, 1, "in 1 hour", {"scope": "hour", "retry_after": 0.01}
    ),
    "429 model cap": Case(
        Answer.model_cap(clears_in=77),
        RateLimitError,
        1,
        "too many messages to the model",
        {"scope": "model", "retry_after": 77, "code": "model_cap_exceeded"},
    ),
    "429 concurrency, to the end": Case(
        ONE_AT_A_TIME, RateLimitError, 3, "Only one message", {"scope": "concurrency", "retry_after": 60.0}
    ),
    "429 concurrency, long header": Case(
        Answer.error(429, detail_of(ONE_AT_A_TIME), headers=[("retry-after", "600")]),
        RateLimitError,
        1,
        "Only one message",
        {"scope": "concurrency", "retry_after": 600},
    ),
    "429 of a kind unknown": Case(
        Answer.error(429, "Slow down."), RateLimitError, 1, "Slow down.", {"scope": None, "retry_after": None}
    ),
    "500 JSON": Case(Answer.server_error(), APIStatusError, 1, "Something went wrong"),
    "503 JSON": Case(Answer.error(503, {"message": "Overloaded"}), APIStatusError, 1, "Overloaded"),
    **{
        f"{status} HTML": Case(
            Answer.overloaded_html(status), APIStatusError, 1, f"chat.openai.com | {status}"
        )
        for status in (502, 503, 520, 522, 524)
    },
    "400 flagged": Case(
        Answer.error(400, {"message": "Flagged", "code": "flagged_by_moderation"}),
        APIStatusError,
        1,
        "Flagged",
        {"code": "flagged_by_moderation"},
    ),
    "418 with nothing": Case(Answer(418), APIStatusError, 1, "418"),
    "200 with HTML": Case(Answer(200, "<title>Sorry</title>"), APIStatusError, 1, "Sorry"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_to_a_message(scripted_site: ScriptedSite, api: ChatGPTAPI, case: Case) -> None:
    answer = case.answer
    with pytest.raises(APIStatusError) as caught:
        api.send_message(scripted_site.answering(answer))

    error = caught.value
    assert type(error) is case.kind
    assert case.says in str(error)
    assert error.status_code == answer.status
    assert error.body == answer.encode()[1].decode()
    assert error.detail == (detail_of(answer) if isinstance(answer.body, dict) else None)
    assert {name: getattr(error, name) for name in case.attributes} == case.attributes
    assert len(scripted_site.posts) == case.sent


def test_another_message_is_waited_for_as_long_as_a_short_header_says(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    refusal = Answer.error(429, detail_of(ONE_AT_A_TIME), headers=[("retry-after", "1")])
    assert api.send_message(scripted_site.answering(refusal, "There you are.")) == "There you are."

    first, second = scripted_site.posts
    assert second.received_at - first.received_at >= 1
    assert first.json["messages"][0]["content"] == second.json["messages"][0]["content"]


def test_the_delay_grows_and_has_jitter(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    api.send_message(scripted_site.answering(ONE_AT_A_TIME, ONE_AT_A_TIME, "Now."))

    times = [post.received_at for post in scripted_site.posts]
    delays = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert len(delays) == 2
    assert 0.25 <= delays[0] < 1.5
    assert delays[1] >= 0.5


def test_retries_can_be_switched_off(serve: Serve, connect: Connect) -> None:
    server = serve(reply=ONE_AT_A_TIME)
    api = connect(server, retries=0, access_token_ttl=0)
    with pytest.raises(RateLimitError):
        api.send_message("hello")
    assert len(posts_of(server.requests)) == 1

    before = len(refreshes_of(server.requests))
    server.script_session(Answer.server_error())
    with pytest.raises(AuthenticationError, match="Error: 500"):
        api.ensure_auth()
    assert len(refreshes_of(server.requests)) == before + 1


def test_waiting_for_another_try_counts_as_time(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    refusal = Answer.error(429, detail_of(ONE_AT_A_TIME), headers=[("retry-after", "20")])
    with pytest.raises(ChatGPTTimeoutError):
        api.send_message(scripted_site.answering(refusal, "too late"), timeout_ms=300)
    assert len(scripted_site.posts) == 1


def test_a_message_that_may_have_been_taken_is_not_sent_again(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    with pytest.raises(StreamInterruptedError):
        api.send_message(scripted_site.answering(Break(), "again"))
    assert len(scripted_site.posts) == 1


def test_an_expired_token_is_renewed_once_and_the_message_goes_through(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    api.ensure_auth()
    refreshes = len(scripted_site.refreshes)
    scripted_site.server.expire_access_tokens()

    assert api.send_message(scripted_site.answering("There you are.")) == "There you are."
    assert [post.status for post in scripted_site.posts] == [401, 200]
    assert len(scripted_site.refreshes) == refreshes + 1
    assert scripted_site.posts[0].bearer != scripted_site.posts[1].bearer


# ---- the session endpoint --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forgetful() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    """A client that asks for its session at every call."""
    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.scripted_site import base_urls

    with FakeChatGPT() as server:
        with ChatGPTAPI(server.session_token, access_token_ttl=0, **base_urls(server)) as api:
            api.start()
            yield server, api


class SessionCase(NamedTuple):
    """An answer to each asking for the session. ``asked``: how often the server is asked, where the answer stays the same."""

    answer: Any
    kind: type[Exception]
    asked: int
    says: str
    status: int | None


REFRESH = "ChatGPT failed to refresh auth token."
SESSIONS = {
    "200 {}": SessionCase("signed_out", SessionExpiredError, 1, "session token may have expired", 200),
    "RefreshAccessTokenError": SessionCase("refresh_error", SessionExpiredError, 1, "may have expired", 200),
    "another error": SessionCase(
        Answer(200, {"error": "Whatever", "accessToken": "x"}), AuthenticationError, 1, "Whatever", 200
    ),
    "200 HTML": SessionCase(Answer(200, "<p>Hello"), AuthenticationError, 1, "not a JSON object", 200),
    "200 list": SessionCase(Answer(200, [1]), AuthenticationError, 1, "not a JSON object", 200),
    "200 nothing": SessionCase(Answer(200), AuthenticationError, 1, "not a JSON object", 200),
    "200 half": SessionCase(
        RawBody([b'{"accessToken": "x'], content_type="application/json"),
        AuthenticationError,
        1,
        "no JSON",
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


@pytest.mark.parametrize("case", SESSIONS.values(), ids=SESSIONS)
def test_an_answer_to_the_refresh(forgetful: tuple[FakeChatGPT, ChatGPTAPI], case: SessionCase) -> None:
    server, api = forgetful
    before, posts = len(refreshes_of(server.requests)), len(posts_of(server.requests))
    server.session_answer = case.answer
    try:
        with pytest.raises((AuthenticationError, APIConnectionError)) as caught:
            api.send_message("hello")
    finally:
        server.session_answer = "alive"

    error = caught.value
    assert type(error) is case.kind
    assert str(error).startswith(REFRESH)
    assert case.says in str(error)
    assert getattr(error, "status_code", None) == case.status
    assert len(refreshes_of(server.requests)) - before == case.asked
    assert len(posts_of(server.requests)) == posts
    assert api.send_message("hello") == 'You said: "hello".'


@pytest.mark.parametrize("failure", [Answer.server_error(), Answer.overloaded_html(), Break()], ids=repr)
def test_a_server_that_recovers(forgetful: tuple[FakeChatGPT, ChatGPTAPI], failure: Any) -> None:
    server, api = forgetful
    server.script_session(failure)
    assert api.get_is_authenticated()


@pytest.mark.parametrize(
    "answer", ["signed_out", "refresh_error", Answer.server_error(), Answer(304)], ids=str
)
def test_get_is_authenticated_raises_for_no_session(
    forgetful: tuple[FakeChatGPT, ChatGPTAPI], answer: Any
) -> None:
    server, api = forgetful
    server.script_session(answer, answer, answer)
    assert api.get_is_authenticated() is False


@pytest.mark.parametrize(
    "answer", [Answer(304), Answer.server_error(), Answer(200), Answer(204), Break()], ids=str
)
def test_the_first_document_may_be_anything(serve: Serve, connect: Connect, answer: Any) -> None:
    """The page is opened on the session's address; what comes there need not be of any use."""
    server = serve()
    server.script_session(answer)
    api = connect(server)
    if isinstance(answer, Break):
        with pytest.raises(APIConnectionError, match="net::ERR_"):
            api.start()
    assert api.send_message("hello") == 'You said: "hello".'


# ---- found by somebody who had not read the code ---------------------------------------------------------------------


@pytest.fixture
def fresh(serve: Serve, connect: Connect) -> tuple[FakeChatGPT, ChatGPTAPI]:
    """A client that asks for its session at every call, and has started."""
    server = serve()
    api = connect(server, access_token_ttl=0)
    api.start()
    return server, api


def test_no_retries_are_none_after_a_refusal(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, retries=0)
    for answer, error in (
        (Answer.token_expired(), AccessTokenRejectedError),
        (ONE_AT_A_TIME, RateLimitError),
    ):
        server.script(answer)
        with pytest.raises(error):
            api.send_message("hello")
    assert len(posts_of(server.requests)) == 2


LATIN = b"<title>Bad gateway \xe9</title>"


@pytest.mark.parametrize("message", [True, False])
def test_a_refusal_that_is_no_utf_8_keeps_its_status(
    scripted_site: ScriptedSite, api: ChatGPTAPI, fresh: tuple[FakeChatGPT, ChatGPTAPI], message: bool
) -> None:
    refusal = Answer(502, LATIN, content_type="text/html; charset=iso-8859-1")
    if message:
        with pytest.raises(APIStatusError, match="Bad gateway") as caught:
            api.send_message(scripted_site.answering(refusal))
        assert caught.value.status_code == 502
    else:
        server, fresh_api = fresh
        server.script_session(Answer(403, LATIN, content_type="text/html; charset=iso-8859-1"))
        with pytest.raises(AuthenticationError, match="403") as refused:
            fresh_api.ensure_auth()
        assert type(refused.value) is AuthenticationError


def test_a_refusal_that_breaks_off_is_one(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    half = RawBody([b'{"detail": "Too', BREAK], status=429, content_type="application/json")
    with pytest.raises(RateLimitError) as caught:
        api.send_message(scripted_site.answering(half))
    assert caught.value.status_code == 429


def test_a_refusal_without_end_is_cut(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    big = RawBody([b"x" * (1 << 18)] * 64, status=500, content_type="text/html")
    with pytest.raises(APIStatusError) as caught:
        api.send_message(scripted_site.answering(big))
    assert caught.value.body is not None
    assert len(caught.value.body) < 4 << 20


@pytest.mark.parametrize(
    "detail",
    [[{"loc": 5, "msg": "m"}], [{"loc": "body", "msg": "m"}], {"clears_in": int("9" * 401)}],
    ids=["loc", "text", "delay"],
)
def test_a_detail_that_nobody_writes(scripted_site: ScriptedSite, api: ChatGPTAPI, detail: Any) -> None:
    with pytest.raises(APIStatusError):
        api.send_message(scripted_site.answering(Answer(429, {"detail": detail})))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"accessToken": "x", "user": {"groups": 5, "features": true}}']
)
def test_a_session_that_nobody_writes(fresh: tuple[FakeChatGPT, ChatGPTAPI], text: str) -> None:
    server, api = fresh
    server.script_session(Answer(200, text, content_type="application/json"))
    assert api.get_is_authenticated() == text.startswith("{")


def test_the_refusal_of_a_refresh_says_what_the_site_said(
    fresh: tuple[FakeChatGPT, ChatGPTAPI],
) -> None:
    server, api = fresh
    server.script_session(Answer.unusual_activity())
    with pytest.raises(AuthenticationError, match="403.*unusual activity"):
        api.ensure_auth()


def test_a_redirect_of_the_session_is_a_session_that_is_not_there(
    fresh: tuple[FakeChatGPT, ChatGPTAPI],
) -> None:
    server, api = fresh
    server.script_session(Answer(302, "", [("location", "/login")]))
    assert api.get_is_authenticated() is False
    assert api.get_is_authenticated() is True


def test_a_change_that_is_answered_by_nothing_is_made(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for status in (200, 204):
        scripted_site.server.script_path("/backend-api/conversation/c-1", Answer(status, ""))
        api.rename_conversation("c-1", "Another")


def test_a_network_that_fails_at_the_first_document_is_given_another_try(
    serve: Serve, connect: Connect
) -> None:
    server = serve()
    server.script_session(Break())
    assert connect(server).send_message("hello") == 'You said: "hello".'


def test_a_date_to_wait_for_counts_from_the_sites_own_time(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """One that is an hour away is the caller's to judge."""
    times = [("date", "Thu, 26 Nov 2026 12:00:00 GMT"), ("retry-after", "Thu, 26 Nov 2026 13:00:00 GMT")]
    refusal = Answer.error(429, detail_of(ONE_AT_A_TIME), headers=times)
    with pytest.raises(RateLimitError) as caught:
        api.send_message(scripted_site.answering(refusal))
    assert (caught.value.retry_after, caught.value.retry_after_from) == (3600, "header")
    assert len(scripted_site.posts) == 1


def test_a_profile_that_is_no_folder(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("a file")
    with pytest.raises(BrowserLaunchError, match="user_data_dir"):
        connect(serve(), user_data_dir=tmp_path / "profile").start()
