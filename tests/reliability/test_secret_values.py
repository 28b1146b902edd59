"""Property tests without a browser: errors and reprs contain no token, for any value of the token."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chatgpt_browser
from chatgpt_browser import (
    ChatGPTAPI,
    ChatGPTError,
    InvalidSessionTokenError,
)
from chatgpt_browser._core.models import Head, Request, Response
from chatgpt_browser._core.urls import Site
from chatgpt_browser._protocol.cookies import SessionToken
from chatgpt_browser._protocol.requests import message_request
from chatgpt_browser._protocol.session import read_session
from tests.support.output_capture import capture_output
from tests.support.secret_search import PART

if TYPE_CHECKING:
    from collections.abc import Callable


def random_token(seed: bytes, length: int) -> str:
    """Return a token of this length that no other text contains by chance."""
    return base64.urlsafe_b64encode(random.Random(seed).randbytes(length)).decode()[:length]


TOKENS = st.builds(random_token, st.binary(), st.integers(PART, 12_000))


class SecretHolder:
    """Hides a secret from the test's frames, which are part of tracebacks."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<SecretHolder>"


def _raise_from_constructor(given_: SecretHolder, options: dict[str, Any]) -> None:
    ChatGPTAPI(given_.value, **options)


BAD_OPTIONS: list[dict[str, Any]] = [
    {"api_base_url": "nonsense"},
    {"retries": -1},
    {"first_byte_timeout": -1},
    {"proxy": 3},
    {"browser_args": "one"},
]


@settings(max_examples=20)
@given(TOKENS, st.sampled_from(BAD_OPTIONS))
def test_invalid_option_error_contains_no_session_token(token: str, options: dict[str, Any]) -> None:
    holder = SecretHolder(token)
    del token
    with capture_output() as output:
        try:
            _raise_from_constructor(holder, options)
        except ValueError as error:
            output.add_error(without_test_frame(error))
        else:
            pytest.fail("no error was raised")
    output.assert_contains_none_of([holder.value])


BAD_FORMS: list[Callable[[str], Any]] = [
    lambda token: token + "\n" + token,
    lambda token: [token, 5],
    lambda token: [token, "ü"],
    lambda token: {"session": token},
    lambda token: {"next-auth.session-token.1": token},
    lambda token: token.encode(),
    lambda token: f"Cookie: other={token}",
    lambda token: f'"{token}", "{token}"',
    lambda token: object(),
]


@settings(max_examples=20)
@given(TOKENS, st.sampled_from(BAD_FORMS))
def test_invalid_session_token_error_contains_no_token(token: str, form: Callable[[str], Any]) -> None:
    holder = SecretHolder(form(token))
    secret = SecretHolder(token)
    del token
    with capture_output() as output:
        try:
            _raise_from_constructor(holder, {})
        except InvalidSessionTokenError as error:
            output.add_error(without_test_frame(error))
        else:
            pytest.fail("no error was raised")
    output.assert_contains_none_of([secret.value])


SESSION_BODIES: list[Callable[[str], str]] = [
    lambda token: f'{{"accessToken": "{token}", "error": "RefreshAccessTokenError"}}',
    lambda token: f'{{"accessToken": "{token}", "error": "Other"}}',
    lambda token: f'{{"accessToken": "{token}"',
    lambda token: f'["{token}"]',
    lambda token: f'{{"accessToken": ["{token}"]}}',
    lambda token: f"<html>{token}</html>",
]


@settings(max_examples=20)
@given(TOKENS, st.sampled_from(SESSION_BODIES), st.sampled_from([200, 304, 401, 403, 500, 503]))
def test_invalid_session_error_contains_no_access_token(
    token: str, body: Callable[[str], str], status: int
) -> None:
    response, secret = Response(Head(status), body(token)), SecretHolder(token)
    del token
    with capture_output() as output:
        try:
            read_session(response)
        except ChatGPTError as error:
            output.add_error(without_test_frame(error))
        else:
            pytest.fail("no error was raised")
        output.add(response)
    output.assert_contains_none_of([secret.value])


@settings(max_examples=20)
@given(TOKENS, TOKENS)
def test_reprs_contain_no_token(session_token: str, access_token: str) -> None:
    site = Site("https://chatgpt.com/api", "https://chatgpt.com/backend-api")
    with capture_output() as output:
        token = SessionToken.parse(session_token)
        output.add(token)
        with ChatGPTAPI(session_token) as api:
            output.add(api, api.get_conversation(), api.stream_message("hello"), api._options, api._core)
        headers = {"authorization": f"Bearer {access_token}"}
        output.add(Request("GET", "https://chatgpt.com", headers, body=access_token))
        prompt = chatgpt_browser._core.models.Prompt("hello")
        output.add(message_request(site, prompt, message_id="m1", model="m", access_token=access_token))
    output.assert_contains_none_of([session_token, access_token])


def without_test_frame(error: BaseException) -> BaseException:
    """Return the error without the test's frame, which contains the arguments of Hypothesis."""
    assert error.__traceback__ is not None
    return error.with_traceback(error.__traceback__.tb_next)
