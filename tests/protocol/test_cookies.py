"""Tests of parsing the session token and of converting it to cookies."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser import ChatGPTAPI, InvalidSessionTokenError
from chatgpt_browser._protocol.cookies import CHUNK_SIZE, SessionToken, is_session_cookie

NAME = "__Secure-next-auth.session-token"
TOKENS = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=200)


def parsed_value(form: Any) -> str | None:
    token = SessionToken.parse(form)
    return None if token is None else token.value


@pytest.mark.parametrize(
    "form",
    [
        "abcdef",
        "  abcdef\n",
        '"abcdef"',
        ["abcdef"],
        ["abc", "def"],
        ("ab", "cd", "ef"),
        {NAME: "abcdef"},
        {"next-auth.session-token": "abcdef"},
        {f"{NAME}.0": "abc", f"{NAME}.1": "def"},
        {f"{NAME}.1": "def", f"{NAME}.0": "abc", NAME: "stale", "cf_clearance": "x"},
        {"__Secure-authjs.session-token": "abcdef"},
        f"Cookie: a=1; {NAME}=abcdef; b=2",
        f"{NAME}.1=def; {NAME}.0=abc",
        f"cookie:{NAME}.0=abc;{NAME}.1=def",
    ],
)
def test_session_token_parse_accepts_each_form(form: Any) -> None:
    assert parsed_value(form) == "abcdef"


def test_session_token_parse_joins_chunks_by_number() -> None:
    cookies = {f"{NAME}.{index}": chr(ord("a") + index) for index in range(12)}

    assert parsed_value(dict(sorted(cookies.items()))) == "abcdefghijkl"


@pytest.mark.parametrize(
    "form",
    [
        None,
        "",
        "   ",
        [],
        {},
        [""],
        ["abc", None],
        {NAME: ""},
        {"other": "abc"},
        {f"{NAME}.1": "def"},
        {f"{NAME}.0": "a", f"{NAME}.2": "c"},
        "Cookie: a=1",
        f"Cookie: {NAME}=",
        "with space",
        "semi;colon",
        "new\nline",
        "ünicode",
        b"bytes",
        7,
        object(),
    ],
)
def test_client_invalid_session_token_raises_error(form: Any) -> None:
    with pytest.raises(InvalidSessionTokenError, match="^ChatGPT invalid session token$"):
        ChatGPTAPI(form)


def test_session_token_short_value_becomes_one_cookie() -> None:
    (cookie,) = SessionToken("abc").cookies("https://chat.openai.com")

    assert cookie == {
        "name": NAME,
        "value": "abc",
        "url": "https://chat.openai.com/",
        "httpOnly": True,
        "secure": True,
        "sameSite": "Lax",
    }


def test_session_token_http_origin_uses_name_without_secure_prefix() -> None:
    (cookie,) = SessionToken("abc").cookies("http://127.0.0.1:8080")

    assert (cookie["name"], cookie["secure"]) == ("next-auth.session-token", False)


@pytest.mark.parametrize(("size", "cookies"), [(CHUNK_SIZE, 1), (CHUNK_SIZE + 1, 2), (12_000, 4)])
def test_session_token_long_value_is_split_at_chunk_size(size: int, cookies: int) -> None:
    token = SessionToken("x" * size, "authjs")
    family = token.cookies("https://chat.openai.com")

    assert len(family) == cookies
    assert [len(cookie["value"]) for cookie in family[:-1]] == [3933] * (cookies - 1)
    assert all(len(cookie["name"] + cookie["value"]) <= 4096 for cookie in family)
    assert parsed_value({cookie["name"]: cookie["value"] for cookie in family}) == token.value
    assert all(is_session_cookie(cookie["name"]) for cookie in family)
    if cookies > 1:
        assert family[1]["name"] == "__Secure-authjs.session-token.1"


@given(
    st.one_of(
        st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text()), st.binary(), st.integers()
    )
)
def test_session_token_parse_any_value_returns_token_or_none(value: Any) -> None:
    token = SessionToken.parse(value)

    assert token is None or (token.value and token.value.isascii() and ";" not in token.value)


@given(st.lists(TOKENS, min_size=1, max_size=5))
def test_session_token_parse_cookie_header_joins_chunks(parts: list[str]) -> None:
    header = "; ".join(f"{NAME}.{index}={part}" for index, part in reversed(list(enumerate(parts))))

    assert parsed_value(f"Cookie: {header}; _ga=1") == "".join(parts)


def test_session_token_repr_hides_value() -> None:
    assert "abcdef" not in repr(SessionToken("abcdef"))
