"""Each error class has a response, and create_app checks its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import chatgpt_browser
from chatgpt_browser import ChatGPTError, OptionNotAppliedError, UploadError
from chatgpt_browser.server import create_app
from chatgpt_browser.server.chat_completions import ChatCompletion
from chatgpt_browser.server.errors import to_api_error
from chatgpt_browser.server.responses import ResponsesCall

if TYPE_CHECKING:
    from chatgpt_browser.server.endpoint import Exchange

STATUSES = {
    "SessionExpiredError": (401, "session_expired"),
    "ChallengeError": (403, "challenge_required"),
    "RateLimitError": (429, "rate_limit_exceeded"),
    "ConversationNotFoundError": (404, "conversation_not_found"),
    "ModerationError": (400, "content_filter"),
    "StreamInterruptedError": (502, "reply_interrupted"),
    "ChatGPTTimeoutError": (504, "timeout"),
    "UploadError": (400, "upload_failed"),
    "ComposerNotFoundError": (502, "page_failed"),
    "BrowserCrashedError": (503, "browser_failed"),
    "ProxyError": (502, "site_unreachable"),
    "ClientClosedError": (503, "server_is_stopping"),
    "JobStoreError": (500, "internal_error"),
}


@pytest.mark.parametrize("name", [name for name in chatgpt_browser.__all__ if name.endswith("Error")])
def test_error_class_has_response_that_forbids_a_retry(name: str) -> None:
    error: ChatGPTError = getattr(chatgpt_browser, name)()
    found = to_api_error(error)

    assert STATUSES.get(name) in (None, (found.status, found.code))
    assert found.response().headers["x-should-retry"] == "false"
    assert set(found.body) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("exchange", "error", "param"),
    [
        (ChatCompletion, OptionNotAppliedError(option="effort"), "reasoning_effort"),
        (ChatCompletion, OptionNotAppliedError(option="tools"), "web_search_options"),
        (ChatCompletion, OptionNotAppliedError(option="project"), None),
        (ChatCompletion, UploadError(file="a.csv"), "messages"),
        (ResponsesCall, OptionNotAppliedError(option="effort"), "reasoning.effort"),
        (ResponsesCall, OptionNotAppliedError(option="tools"), "tools"),
        (ResponsesCall, OptionNotAppliedError(option="files"), "input"),
        (ResponsesCall, UploadError(file="a.csv"), "input"),
    ],
)
def test_error_of_option_names_field_of_endpoint(
    exchange: type[Exchange], error: ChatGPTError, param: str | None
) -> None:
    assert to_api_error(error, exchange.option_fields).param == param


def test_unexpected_error_does_not_show_its_text() -> None:
    assert "secret" not in str(to_api_error(RuntimeError("secret")))


@pytest.mark.parametrize("key", ["", " ", "two words", "schlüssel", "line\n"])
def test_create_app_invalid_key_is_value_error(key: str) -> None:
    api = chatgpt_browser.AsyncChatGPTAPI("token")
    with pytest.raises(ValueError, match="api_key"):
        create_app(api, api_key=key)


def test_create_app_without_client_is_type_error() -> None:
    api: Any = "sk-1"
    with pytest.raises(TypeError, match="not str"):
        create_app(api, api_key="sk-1")
