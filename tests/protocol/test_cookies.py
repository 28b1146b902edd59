"""The session token's forms, and the cookies that it becomes."""

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


def value_of(given_: Any) -> str | None:
    token = SessionToken.parse(given_)
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
def test_every_form_of_a_token(form: Any) -> None:
    assert value_of(form) == "abcdef"


def test_chunks_are_joined_by_number_and_not_by_name() -> None:
    cookies = {f"{NAME}.{index}": chr(ord("a") + index) for index in range(12)}

    assert value_of(dict(sorted(cookies.items()))) == "abcdefghijkl"


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
def test_what_can_be_no_token(form: Any) -> None:
    with pytest.raises(InvalidSessionTokenError, match="^ChatGPT invalid session token$"):
        ChatGPTAPI(form)


def test_a_short_token_is_one_cookie_for_its_origin_alone() -> None:
    (cookie,) = SessionToken("abc").cookies("https://chat.openai.com")

    assert cookie == {
        "name": NAME,
        "value": "abc",
        "url": "https://chat.openai.com/",
        "httpOnly": True,
        "secure": True,
        "sameSite": "Lax",
    }


def test_a_loopback_server_gets_the_plain_name() -> None:
    (cookie,) = SessionToken("abc").cookies("http://127.0.0.1:8080")

    assert (cookie["name"], cookie["secure"]) == ("next-auth.session-token", False)


@pytest.mark.parametrize(("size", "cookies"), [(CHUNK_SIZE, 1), (CHUNK_SIZE + 1, 2), (12_000, 4)])
def test_a_long_token_is_split_as_the_site_splits_it(size: int, cookies: int) -> None:
    token = SessionToken("x" * size, "authjs")
    family = token.cookies("https://chat.openai.com")

    assert len(family) == cookies
    assert [len(cookie["value"]) for cookie in family[:-1]] == [3933] * (cookies - 1)
    assert all(len(cookie["name"] + cookie["value"]) <= 4096 for cookie in family)
    assert value_of({cookie["name"]: cookie["value"] for cookie in family}) == token.value
    assert all(is_session_cookie(cookie["name"]) for cookie in family)
    if cookies > 1:
        assert family[1]["name"] == "__Secure-authjs.session-token.1"


@given(
    st.one_of(
        st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text()), st.binary(), st.integers()
    )
)
def test_anything_is_a_token_or_none(anything: Any) -> None:
    token = SessionToken.parse(anything)

    assert token is None or (token.value and token.value.isascii() and ";" not in token.value)


@given(st.lists(TOKENS, min_size=1, max_size=5))
def test_a_header_of_chunks_gives_the_value_back(parts: list[str]) -> None:
    header = "; ".join(f"{NAME}.{index}={part}" for index, part in reversed(list(enumerate(parts))))

    assert value_of(f"Cookie: {header}; _ga=1") == "".join(parts)


def test_a_token_shows_itself_to_nobody() -> None:
    assert "abcdef" not in repr(SessionToken("abcdef"))
