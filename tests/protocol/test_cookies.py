"""Tests of parsing the session token and of converting it to cookies."""

from __future__ import annotations

import http.cookiejar
import json
import os
import string
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser import ChatGPTAPI, InvalidSessionTokenError
from chatgpt_browser._protocol.cookies import CHUNK_SIZE, SessionToken, is_path, is_session_cookie

if TYPE_CHECKING:
    from pathlib import Path

NAME = "__Secure-next-auth.session-token"
TOKENS = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=200)


#: An export of a whole browser: other sites use the same cookie names, and the site has two hosts.
COOKIES: list[dict[str, Any]] = [
    {"name": NAME, "value": "of-another-site", "domain": "shop.example", "path": "/", "expires": -1},
    {"name": f"{NAME}.0", "value": "abc", "domain": ".chatgpt.com", "path": "/", "httpOnly": True},
    {"name": f"{NAME}.1", "value": "def", "domain": "chatgpt.com", "hostOnly": True, "sameSite": "lax"},
    {"name": "cf_clearance", "value": "x", "domain": ".chatgpt.com"},
]
NETSCAPE = f"""# Netscape HTTP Cookie File
# https://curl.se/docs/http-cookies.html

shop.example\tFALSE\t/\tTRUE\t1800000000\t{NAME}\tof-another-site
.chatgpt.com\tTRUE\t/\tTRUE\t1800000000\tcf_clearance\tx
#HttpOnly_.chatgpt.com\tTRUE\t/\tTRUE\t1800000000\t{NAME}.0\tabc
#HttpOnly_chatgpt.com\tFALSE\t/\tTRUE\t0\t{NAME}.1\tdef
"""


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
        f"{NAME}=abcdef",
        f"{NAME}: abcdef",
        f'"{NAME}": "abcdef",',
        f'{NAME}:"abcdef"',
        f"Set-Cookie: {NAME}=abcdef; Path=/; Expires=Fri, 01 Jan 2027 00:00:00 GMT; HttpOnly; Secure",
        f"set-cookie: {NAME}.0=abc; Path=/\nset-cookie: {NAME}.1=def; Path=/",
        [f"{NAME}.0=abc", f"{NAME}.1=def; Path=/; HttpOnly"],
        {"Cookie": f"theme=dark; {NAME}=abcdef"},
        [("theme", "dark"), (NAME, "abcdef")],
        SimpleCookie(f"theme=dark; {NAME}=abcdef"),
        COOKIES,
        {"cookies": COOKIES, "origins": []},
        {"url": "https://chatgpt.com", "cookies": COOKIES},
        json.dumps(COOKIES),
        json.dumps({"cookies": COOKIES, "origins": []}, indent=2),
        json.dumps({NAME: "abcdef"}),
        json.dumps(["abc", "def"]),
        "\ufeff" + json.dumps({"cookies": COOKIES}),
        [{"Name raw": NAME, "Content raw": "abcdef", "Host raw": "https://.chatgpt.com/"}],
        NETSCAPE,
        NETSCAPE.replace("\n", "\r\n"),
        NETSCAPE.replace("\t", "    "),
        f"{NAME}\tabcdef\t.chatgpt.com\t/\t2027-01-01T00:00:00.000Z\t80\t✓\t✓",
    ],
)
def test_session_token_parse_accepts_each_form(form: Any) -> None:
    assert parsed_value(form) == "abcdef"


def test_session_token_parse_joins_chunks_by_number() -> None:
    cookies = {f"{NAME}.{index}": chr(ord("a") + index) for index in range(12)}

    assert parsed_value(dict(sorted(cookies.items()))) == "abcdefghijkl"


def test_session_token_parse_prefers_cookies_of_the_given_host() -> None:
    cookies = [
        {"name": NAME, "value": "new", "domain": "chatgpt.com"},
        {"name": NAME, "value": "old", "domain": "chat.openai.com"},
        {"name": NAME, "value": "local", "domain": "127.0.0.1"},
    ]
    urls = ("https://chatgpt.com/api", "https://chat.openai.com/api", "http://127.0.0.1:80/api", "")

    tokens = [SessionToken.parse(cookies, url) for url in urls]

    assert [token and token.value for token in tokens] == ["new", "old", "local", "new"]


def test_session_token_parse_does_not_mix_hosts() -> None:
    cookies = [
        {"name": f"{NAME}.0", "value": "abc", "domain": "chatgpt.com"},
        {"name": f"{NAME}.1", "value": "def", "domain": "chat.openai.com"},
    ]

    assert parsed_value(cookies) == "abc"


def test_session_token_parse_http_cookie_jar_returns_token(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text(NETSCAPE)
    jar = http.cookiejar.MozillaCookieJar()
    jar.load(str(path), ignore_discard=True, ignore_expires=True)

    assert parsed_value(jar) == "abcdef"


@pytest.mark.parametrize(
    "content",
    [
        b"abcdef\n",
        NETSCAPE.encode(),
        json.dumps({"cookies": COOKIES}).encode("utf-8-sig"),
        f"{NAME}=abcdef".encode("utf-16"),
    ],
)
def test_client_path_of_cookie_file_reads_token(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "exported"
    path.write_bytes(content)

    assert ChatGPTAPI(path).session_token == "abcdef"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory|regular"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.write_bytes(b"\xff\xd8\x00"), "not a text file"),
        (lambda path: path.write_bytes(b"a" * (1 << 24) + b"b"), "larger than"),
        (lambda path: path.write_text("theme=dark"), "Accepted are"),
    ],
)
def test_client_path_of_unusable_file_raises_error(make: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "exported"
    make(path)

    with pytest.raises(InvalidSessionTokenError, match=f"^ChatGPT invalid session token.*{reason}"):
        ChatGPTAPI(path)


@pytest.mark.parametrize("name", ["state.json", "a-file"])
def test_client_text_with_path_is_not_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(json.dumps({"cookies": COOKIES}))

    with pytest.raises(InvalidSessionTokenError, match="pathlib.Path"):
        ChatGPTAPI(str(path))


@pytest.mark.parametrize(
    "text",
    ["/a/b", " ~/token\n", "~ada/x", "./token", "../token", r"..\x", r"C:\token", "D:/x", "x.txt", "X.JSON"],
)
def test_is_path_path_is_not_a_token(text: str) -> None:
    assert is_path(text)


@pytest.mark.parametrize("text", ["abc", "eyJh..x/y+z=", "a.b", ".abc", "json", "", "a\n/b"])
def test_is_path_other_text_is_no_path(text: str) -> None:
    assert not is_path(text)


@pytest.mark.parametrize("form", [None, "", "   ", [], {}])
def test_client_without_session_token_raises_error_of_npm_api(form: Any) -> None:
    with pytest.raises(InvalidSessionTokenError, match="^ChatGPT invalid session token$"):
        ChatGPTAPI(form)


@pytest.mark.parametrize(
    "form",
    [
        [""],
        ["abc", None],
        {NAME: ""},
        {"other": "abc"},
        {f"{NAME}.1": "def"},
        {f"{NAME}.0": "a", f"{NAME}.2": "c"},
        "Cookie: a=1",
        f"Cookie: {NAME}=",
        f"Set-Cookie: {NAME}=; Max-Age=0",
        NAME,
        f"{NAME}.0",
        f"{NAME}=",
        f"{NAME}:",
        "next-auth.session-token",
        "__Host-next-auth.csrf-token",
        [f"{NAME}.0", f"{NAME}.1"],
        "cf_clearance=abc",
        "cookies.txt",
        [{"name": NAME, "value": "abc", "domain": "shop.example"}],
        [{"name": NAME, "value": "abc", "domain": "notchatgpt.com"}],
        [{"name": NAME}],
        {"cookies": []},
        '{"cookies": []}',
        "[" * 100_000,
        '{"cookies"',
        "with space",
        "semi;colon",
        "new\nline",
        "ünicode",
        b"bytes",
        7,
        object(),
    ],
)
def test_client_invalid_session_token_raises_error_with_accepted_forms(form: Any) -> None:
    with pytest.raises(InvalidSessionTokenError) as caught:
        ChatGPTAPI(form)

    for name in ("name=value", "name: value", "Set-Cookie", "storage_state", "cookies.txt", "pathlib.Path"):
        assert name in str(caught.value)


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
