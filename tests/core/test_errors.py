"""Tests of the error tree, and of pickling errors."""

from __future__ import annotations

import inspect
import pickle

import pytest

import chatgpt_browser as package
from chatgpt_browser._core import errors

TREE = {
    "InvalidSessionTokenError": ["ChatGPTError", "ValueError"],
    "AuthenticationError": ["ChatGPTError"],
    "APIConnectionError": ["ChatGPTError"],
    "ProxyError": ["APIConnectionError"],
    "SessionExpiredError": ["AuthenticationError"],
    "AccessTokenRejectedError": ["AuthenticationError", "APIStatusError"],
    "ChallengeError": ["ChatGPTError"],
    "APIStatusError": ["ChatGPTError"],
    "ConversationNotFoundError": ["APIStatusError"],
    "MessageTooLongError": ["APIStatusError"],
    "RateLimitError": ["APIStatusError"],
    "UnusualActivityError": ["APIStatusError"],
    "PageError": ["ChatGPTError"],
    "ComposerNotFoundError": ["PageError"],
    "DialogInTheWayError": ["PageError"],
    "UploadError": ["PageError"],
    "OptionNotAppliedError": ["PageError"],
    "StreamError": ["ChatGPTError"],
    "StreamInterruptedError": ["StreamError"],
    "MalformedEventError": ["StreamError"],
    "UnknownEncodingError": ["MalformedEventError"],
    "ModerationError": ["StreamError"],
    "ChatGPTTimeoutError": ["ChatGPTError", "TimeoutError"],
    "AbortError": ["ChatGPTError"],
    "BrowserError": ["ChatGPTError"],
    "BrowserNotFoundError": ["BrowserError"],
    "BrowserLaunchError": ["BrowserError"],
    "BrowserCrashedError": ["BrowserError"],
    "JobStoreError": ["ChatGPTError"],
    "JobNotFoundError": ["JobStoreError", "LookupError"],
    "JobUncertainError": ["ChatGPTError"],
    "OriginError": ["ChatGPTError"],
    "ForkedProcessError": ["ChatGPTError"],
    "ClientClosedError": ["ChatGPTError"],
}


def test_errors_module_matches_error_tree() -> None:
    found = {
        name: [base.__name__ for base in kind.__bases__]
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == "chatgpt_browser" and name == kind.__name__ != "ChatGPTError"
    }

    assert found == TREE
    assert set(TREE) < set(package.__all__)


def test_errors_docstring_names_every_error() -> None:
    assert all(name in (errors.__doc__ or "") for name in TREE)


@pytest.mark.parametrize("name", [*TREE, "ChatGPTError"])
def test_error_pickled_keeps_text_and_attributes(name: str) -> None:
    error = getattr(package, name)("words")
    if hasattr(error, "partial_text"):
        error.partial_text = "half"
    if hasattr(error, "retry_after"):
        error.retry_after = 3.0

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)


@pytest.mark.parametrize("name", TREE)
def test_error_has_docstring_and_public_module(name: str) -> None:
    assert getattr(package, name).__doc__
    assert getattr(package, name).__module__ == "chatgpt_browser"


def test_error_attributes_and_default_messages() -> None:
    limit = package.RateLimitError(
        "x", status_code=429, detail="d", code="c", body="b", retry_after=1.0, scope="hour"
    )
    broken = package.StreamError("x", partial_text="half", conversation_id="c", message_id="m")

    assert (limit.status_code, limit.detail, limit.code, limit.body) == (429, "d", "c", "b")
    assert (limit.retry_after, limit.scope) == (1.0, "hour")
    assert (broken.partial_text, broken.conversation_id, broken.message_id) == ("half", "c", "m")
    assert str(package.ChatGPTTimeoutError()) == "ChatGPT timed out waiting for response"
    assert str(package.InvalidSessionTokenError()) == "ChatGPT invalid session token"
    assert str(package.AbortError("enough")) == "enough"
    assert package.AbortError(7).reason == 7


def test_api_connection_error_is_not_authentication_error() -> None:
    error = package.APIConnectionError("no network", permanent=True)

    assert not isinstance(error, package.AuthenticationError)
    assert error.permanent
    assert not package.APIConnectionError("no network").permanent


def test_upload_error_message_contains_no_control_character() -> None:
    name = "a\x1b[31m\u202eb\n.txt"
    error = package.UploadError(f"The site refused {name} (größer als 20 MB).", file=name)
    assert str(error) == "The site refused a\\x1b[31m\\u202eb\\n.txt (größer als 20 MB)."
    assert error.file == name
