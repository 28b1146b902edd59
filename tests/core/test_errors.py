"""The tree of errors: as API.md draws it, and fit to be sent between processes."""

from __future__ import annotations

import inspect
import pickle

import pytest

import chatgpt_browser as package
from chatgpt_browser._core import errors as _errors

TREE = {
    "InvalidSessionTokenError": ["ChatGPTError", "ValueError"],
    "AuthenticationError": ["ChatGPTError"],
    "APIConnectionError": ["AuthenticationError"],
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
    "StreamError": ["ChatGPTError"],
    "StreamInterruptedError": ["StreamError"],
    "MalformedEventError": ["StreamError"],
    "UnknownEncodingError": ["MalformedEventError"],
    "ChatGPTTimeoutError": ["ChatGPTError", "TimeoutError"],
    "AbortError": ["ChatGPTError"],
    "BrowserError": ["ChatGPTError"],
    "BrowserNotFoundError": ["BrowserError"],
    "BrowserLaunchError": ["BrowserError"],
    "BrowserCrashedError": ["BrowserError"],
    "OriginError": ["ChatGPTError"],
    "ClientClosedError": ["ChatGPTError"],
}


def test_the_tree_is_the_one_that_is_written_down() -> None:
    found = {
        name: [base.__name__ for base in kind.__bases__]
        for name, kind in inspect.getmembers(_errors, inspect.isclass)
        if name in _errors.__all__ and name != "ChatGPTError"
    }

    assert found == TREE
    assert sorted(_errors.__all__) == sorted([*TREE, "ChatGPTError"])


def test_the_drawing_in_the_docstring_names_them_all() -> None:
    assert all(name in (_errors.__doc__ or "") for name in TREE)


@pytest.mark.parametrize("name", [*TREE, "ChatGPTError"])
def test_an_error_survives_the_way_to_another_process(name: str) -> None:
    error = getattr(package, name)("words")
    if hasattr(error, "partial_text"):
        error.partial_text = "half"
    if hasattr(error, "retry_after"):
        error.retry_after = 3.0

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)


@pytest.mark.parametrize("name", TREE)
def test_every_error_says_what_it_means(name: str) -> None:
    assert getattr(package, name).__doc__
    assert getattr(package, name).__module__ == "chatgpt_browser"


def test_what_they_carry() -> None:
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
