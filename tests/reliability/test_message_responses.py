"""Responses to a message through Chromium: the error of each, and how often the message is sent."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from chatgpt_browser import (
    AccessTokenRejectedError,
    APIStatusError,
    AuthenticationError,
    ChatGPTTimeoutError,
    ConversationNotFoundError,
    MessageTooLongError,
    RateLimitError,
    StreamInterruptedError,
    UnusualActivityError,
)
from chatgpt_browser._core.log import log_handler
from chatgpt_browser.testing import BREAK, Answer, Break, RawBody
from tests.support.client_clock import advance_clock_after
from tests.support.scripted_site import posts_of, refreshes_of

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite


ONE_AT_A_TIME = Answer.one_message_at_a_time()


class RetryWatch(logging.Handler):
    """Sets an event when the client logs that it waits before a retry."""

    def __init__(self) -> None:
        super().__init__()
        self.begins = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("retrying after RateLimitError"):
            self.begins.set()


class MessageCase(NamedTuple):
    """A response to a message, and its outcome."""

    answer: Answer
    kind: type[Exception]
    #: The number of times that the server receives the message.
    sent: int = 1
    #: A part of the error's message.
    text: str = ""
    attributes: dict[str, Any] = {}


def detail_of(answer: Answer) -> Any:
    assert isinstance(answer.body, dict)
    return answer.body["detail"]


MESSAGE_CASES = {
    "401 token_expired": MessageCase(
        Answer.token_expired(), AccessTokenRejectedError, 2, "has expired", {"code": "token_expired"}
    ),
    "401 invalid_jwt": MessageCase(
        Answer.invalid_jwt(), AccessTokenRejectedError, 2, "Could not parse", {"code": "invalid_jwt"}
    ),
    "401 without body": MessageCase(Answer(401), AccessTokenRejectedError, 2, "401", {"code": None}),
    "403 unusual activity": MessageCase(
        Answer.unusual_activity(), UnusualActivityError, 1, "unusual activity from your system"
    ),
    "403 unusual activity of device": MessageCase(
        Answer.unusual_activity("device"), UnusualActivityError, 1, "from your device"
    ),
    "404": MessageCase(
        Answer.conversation_not_found(),
        ConversationNotFoundError,
        1,
        "Conversation not found",
        {"code": "conversation_not_found"},
    ),
    "404 of parent message": MessageCase(
        Answer.parent_not_found(), ConversationNotFoundError, 1, "Parent message"
    ),
    "404 with a string": MessageCase(
        Answer.error(404, "Can't load conversation"),
        ConversationNotFoundError,
        1,
        "Can't load",
        {"code": None},
    ),
    "413": MessageCase(
        Answer.message_too_long(),
        MessageTooLongError,
        1,
        "too long",
        {"code": "message_length_exceeds_limit"},
    ),
    "422 with a list": MessageCase(
        Answer.unprocessable(), APIStatusError, 1, "body.parent_message_id: field required"
    ),
    "429 hour, no header": MessageCase(
        Answer.too_many_requests(), RateLimitError, 1, "in 1 hour", {"scope": "hour", "retry_after": 3600.0}
    ),
    "429 hour, short header": MessageCase(
        Answer.too_many_requests(0.01), RateLimitError, 1, "in 1 hour", {"scope": "hour", "retry_after": 0.01}
    ),
    "429 model cap": MessageCase(
        Answer.model_cap(clears_in=77),
        RateLimitError,
        1,
        "too many messages to the model",
        {"scope": "model", "retry_after": 77, "code": "model_cap_exceeded"},
    ),
    "429 concurrency, every time": MessageCase(
        ONE_AT_A_TIME, RateLimitError, 3, "Only one message", {"scope": "concurrency", "retry_after": 60.0}
    ),
    "429 concurrency, long header": MessageCase(
        Answer.error(429, detail_of(ONE_AT_A_TIME), headers=[("retry-after", "600")]),
        RateLimitError,
        1,
        "Only one message",
        {"scope": "concurrency", "retry_after": 600},
    ),
    "429 of unknown kind": MessageCase(
        Answer.error(429, "Slow down."), RateLimitError, 1, "Slow down.", {"scope": None, "retry_after": None}
    ),
    "500 JSON": MessageCase(Answer.server_error(), APIStatusError, 1, "Something went wrong"),
    "503 JSON": MessageCase(Answer.error(503, {"message": "Overloaded"}), APIStatusError, 1, "Overloaded"),
    **{
        f"{status} HTML": MessageCase(
            Answer.overloaded_html(status), APIStatusError, 1, f"chat.openai.com | {status}"
        )
        for status in (502, 503, 520, 522, 524)
    },
    "400 flagged": MessageCase(
        Answer.error(400, {"message": "Flagged", "code": "flagged_by_moderation"}),
        APIStatusError,
        1,
        "Flagged",
        {"code": "flagged_by_moderation"},
    ),
    "418 without body": MessageCase(Answer(418), APIStatusError, 1, "418"),
    "200 with HTML": MessageCase(Answer(200, "<title>Sorry</title>"), APIStatusError, 1, "Sorry"),
}


@pytest.mark.parametrize("case", MESSAGE_CASES.values(), ids=MESSAGE_CASES)
def test_message_response_raises_its_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, case: MessageCase
) -> None:
    answer = case.answer
    with pytest.raises(APIStatusError) as caught:
        api.send_message(scripted_site.answering(answer))

    error = caught.value
    assert type(error) is case.kind
    assert case.text in str(error)
    assert error.status_code == answer.status
    assert error.body == answer.encode()[1].decode()
    assert error.detail == (detail_of(answer) if isinstance(answer.body, dict) else None)
    assert {name: getattr(error, name) for name in case.attributes} == case.attributes
    assert len(scripted_site.posts) == case.sent


def test_message_refused_with_short_retry_after_is_sent_again(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    refusal = Answer.error(429, detail_of(ONE_AT_A_TIME), headers=[("retry-after", "1")])
    assert api.send_message(scripted_site.answering(refusal, "There you are.")) == "There you are."

    first, second = scripted_site.posts
    assert second.received_at - first.received_at >= 1
    assert first.json["messages"][0]["content"] == second.json["messages"][0]["content"]


def test_message_retry_delay_without_header_grows(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    api.send_message(scripted_site.answering(ONE_AT_A_TIME, ONE_AT_A_TIME, "Now."))

    times = [post.received_at for post in scripted_site.posts]
    delays = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert len(delays) == 2
    assert delays[0] >= 0.25
    assert delays[1] >= 0.5


def test_retries_of_zero_send_message_and_refresh_once(serve: Serve, connect: Connect) -> None:
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


def test_message_retry_delay_counts_towards_timeout(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The clock is advanced beyond the timeout, but not beyond the delay, as soon as the client waits for the delay."""
    refusal = Answer.error(429, detail_of(ONE_AT_A_TIME), headers=[("retry-after", "30")])
    message = scripted_site.answering(refusal, "too late")
    delay = RetryWatch()
    with log_handler(delay, logging.INFO), advance_clock_after(api, lambda: delay.begins.wait(20), 25_000):
        with pytest.raises(ChatGPTTimeoutError):
            api.send_message(message, timeout_ms=20_000)
    assert delay.begins.is_set()
    assert len(scripted_site.posts) == 1


def test_message_that_may_have_been_accepted_is_not_sent_again(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    with pytest.raises(StreamInterruptedError):
        api.send_message(scripted_site.answering(Break(), "again"))
    assert len(scripted_site.posts) == 1


def test_message_with_expired_access_token_is_sent_again_after_one_refresh(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    api.ensure_auth()
    refreshes = len(scripted_site.refreshes)
    scripted_site.server.expire_access_tokens()

    assert api.send_message(scripted_site.answering("There you are.")) == "There you are."
    assert [post.status for post in scripted_site.posts] == [401, 200]
    assert len(scripted_site.refreshes) == refreshes + 1
    assert scripted_site.posts[0].bearer != scripted_site.posts[1].bearer


def test_retries_of_zero_send_refused_message_once(serve: Serve, connect: Connect) -> None:
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


def test_refusal_with_invalid_utf8_keeps_its_status(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    page = b"<title>Bad gateway \xe9</title>"
    refusal = Answer(502, page, content_type="text/html; charset=iso-8859-1")
    with pytest.raises(APIStatusError, match="Bad gateway") as caught:
        api.send_message(scripted_site.answering(refusal))
    assert caught.value.status_code == 502


def test_refusal_with_interrupted_body_keeps_its_status(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    half = RawBody([b'{"detail": "Too', BREAK], status=429, content_type="application/json")
    with pytest.raises(RateLimitError) as caught:
        api.send_message(scripted_site.answering(half))
    assert caught.value.status_code == 429


def test_refusal_with_huge_body_is_truncated(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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
def test_refusal_with_malformed_detail_raises_status_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, detail: Any
) -> None:
    with pytest.raises(APIStatusError):
        api.send_message(scripted_site.answering(Answer(429, {"detail": detail})))


def test_rename_with_empty_response_succeeds(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for status in (200, 204):
        scripted_site.server.script_path("/backend-api/conversation/c-1", Answer(status, ""))
        api.rename_conversation("c-1", "Another")


def test_retry_after_date_is_relative_to_date_header(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """An error with a long delay is raised for the caller to handle."""
    times = [("date", "Thu, 26 Nov 2026 12:00:00 GMT"), ("retry-after", "Thu, 26 Nov 2026 13:00:00 GMT")]
    refusal = Answer.error(429, detail_of(ONE_AT_A_TIME), headers=times)
    with pytest.raises(RateLimitError) as caught:
        api.send_message(scripted_site.answering(refusal))
    assert (caught.value.retry_after, caught.value.retry_after_from) == (3600, "header")
    assert len(scripted_site.posts) == 1
