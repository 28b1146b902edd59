"""Tests of the validation of options and arguments."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from chatgpt_browser import AbortController, AsyncChatGPTAPI, ChatGPTAPI, InvalidSessionTokenError
from chatgpt_browser._core.options import to_limit, to_seconds

BAD: list[tuple[str, Any]] = [
    ("access_token_ttl", -1),
    ("access_token_ttl", "60000"),
    ("access_token_ttl", float("nan")),
    ("access_token_ttl", True),
    ("first_byte_timeout", -1),
    ("idle_timeout", timedelta(seconds=-1)),
    ("launch_timeout", -0.5),
    ("challenge_timeout", "soon"),
    ("retries", -1),
    ("retries", 1.5),
    ("max_concurrent_messages", 0),
    ("max_concurrent_messages", True),
    ("min_interval", -1),
    ("min_interval", "2 s"),
    ("messages_per_hour", 0),
    ("messages_per_hour", 2.5),
    ("model", ""),
    ("model", None),
    ("api_base_url", "chat.openai.com/api"),
    ("api_base_url", "ftp://chat.openai.com/api"),
    ("api_base_url", "https://"),
    ("api_base_url", "https://host:port/api"),
    ("api_base_url", "https://user:secret@chat.openai.com/api"),
    ("api_base_url", "https://chat.openai.com/api?x=1"),
    ("api_base_url", None),
    ("backend_api_base_url", "http://chat.openai.com/backend-api"),
    ("backend_api_base_url", "https://chatgpt.com/backend-api"),
    ("browser_args", "--one"),
    ("browser_args", [1]),
    ("proxy", {}),
    ("proxy", 8080),
    ("user_data_dir", 7),
    ("executable_path", 7),
    ("browser_url", "chromium"),
    ("browser_url", 9222),
    ("browser_url", "firefox"),
    ("browser_context", "theirs"),
    ("browser_context", None),
    ("proxy", "://"),
    ("proxy", "http://"),
    ("proxy", "two words"),
    ("proxy", {"server": 5}),
    ("user_data_dir", ""),
    ("user_data_dir", "~nobody-of-this-name/profile"),
    ("executable_path", ""),
    ("channel", ""),
    ("headless", "false"),
    ("first_byte_timeout", 10**400),
    ("user_agent", ""),
    ("user_agent", "one\r\nX-Other: two"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
@pytest.mark.parametrize("client", [ChatGPTAPI, AsyncChatGPTAPI])
def test_client_invalid_option_raises_value_error_naming_it(client: Any, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        client("a-session-token", **{name: value})

    assert "a-session-token" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"browser_url": "ws://127.0.0.1:3000/a-playwright-server"},
        {"browser_url": ["http://127.0.0.1:9222", "ws://127.0.0.1:3000"]},
        {"browser_url": "chrome", "user_data_dir": "profile"},
    ],
    ids=["no browser", "Playwright server", "one Playwright server", "profile"],
)
def test_client_default_context_without_running_browser_raises_value_error(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="browser_"):
        ChatGPTAPI(None, browser_context="default", **options)


def test_client_default_context_needs_no_token_and_ignores_a_token(caplog: pytest.LogCaptureFixture) -> None:
    api = ChatGPTAPI(None, browser_context="default", browser_url="chrome")
    assert not caplog.records
    assert api.session_token == ""

    api = ChatGPTAPI("a-session-token", browser_context="default", browser_url="http://127.0.0.1:9222")
    assert api.session_token == ""
    assert "session_token is ignored" in caplog.text
    assert "a-session-token" not in caplog.text
    with pytest.raises(InvalidSessionTokenError):
        ChatGPTAPI(None)


def test_messages_per_hour_option_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected in ((None, None), ("", None), (" 20 ", 20)):
        monkeypatch.setenv("CHATGPT_MESSAGES_PER_HOUR", value or "")
        assert ChatGPTAPI("t")._options.messages_per_hour == expected
    assert ChatGPTAPI("t", messages_per_hour=5)._options.messages_per_hour == 5
    assert ChatGPTAPI("t", min_interval=timedelta(seconds=2))._options.min_interval == 2


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "1_0"])
def test_messages_per_hour_invalid_environment_raises_value_error(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_MESSAGES_PER_HOUR", value)
    with pytest.raises(
        ValueError, match="CHATGPT_MESSAGES_PER_HOUR must be a whole number of at least 1, not"
    ):
        ChatGPTAPI("t")


def test_to_seconds_accepts_milliseconds_and_timedelta() -> None:
    assert to_seconds("x", 1500) == to_seconds("x", timedelta(seconds=1.5)) == 1.5


@pytest.mark.parametrize("value", [None, 0, timedelta(0)])
def test_to_limit_none_or_zero_is_infinite(value: Any) -> None:
    assert math.isinf(to_limit("x", value))


def test_client_repr_shows_origin_without_secret() -> None:
    assert repr(ChatGPTAPI("a-session-token")) == "<ChatGPTAPI https://chat.openai.com>"


@pytest.mark.parametrize(
    ("proxy", "settings"),
    [
        ("http://ada:s3%3Acr%40t@proxy:3128", ("http://proxy:3128", "ada", "s3:cr@t")),
        ("ada:pw@proxy:3128", ("proxy:3128", "ada", "pw")),
        ("https://ada@[::1]:3128/", ("https://[::1]:3128", "ada", "")),
        ("http://a:b@c:d@proxy:3128", ("http://proxy:3128", "a", "b@c:d")),
        ("http://%C3%A9:%F0%9F%94%91@proxy", ("http://proxy", "é", "🔑")),
        ({"server": "http://ada:pw@proxy", "password": "other"}, ("http://proxy", "ada", "other")),
        (
            {"server": "http://proxy", "username": "a%41", "password": "p%41"},
            ("http://proxy", "a%41", "p%41"),
        ),
    ],
)
def test_options_proxy_with_credentials_are_separated(proxy: Any, settings: tuple[str, str, str]) -> None:
    api = ChatGPTAPI("t", proxy=proxy)

    server, username, password = settings
    assert api._options.proxy == {"server": server, "username": username, "password": password}
    assert not password or password not in repr(api._options)


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://ada:pw@proxy:1080",
        {"server": "SOCKS5://proxy:1080", "username": "ada"},
        "http://ada:pw@",
        "http://ada:p/w@proxy",
    ],
)
def test_options_unusable_proxy_credentials_raise_value_error_without_password(proxy: Any) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        ChatGPTAPI("t", proxy=proxy)

    assert "pw" not in str(caught.value)


def test_options_proxy_accepts_each_form() -> None:
    for server in ("localhost:3128", "http://proxy:3128", "socks5://127.0.0.1:1080"):
        assert ChatGPTAPI("t", proxy=server)._options.proxy == {"server": server}
    settings: Any = {"server": "http://proxy:3128", "username": None, "bypass": "*.example.org"}
    assert ChatGPTAPI("t", proxy=settings)._options.proxy == {
        "server": "http://proxy:3128",
        "bypass": "*.example.org",
    }


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"message": None}, TypeError, "a message must be a str"),
        ({"message": b"x"}, TypeError, "a message must be a str"),
        ({"message": "x", "conversation_id": ""}, ValueError, "conversation_id must not be empty"),
        ({"message": "x", "parent_message_id": 5}, TypeError, "parent_message_id must be a str"),
        ({"message": "x", "abort_signal": AbortController()}, TypeError, "signal"),
    ],
)
def test_send_message_invalid_argument_raises_error_naming_it(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The arguments are checked before a browser is started: there is none at this path."""
    with ChatGPTAPI("a-session-token", executable_path="/nowhere") as api:
        with pytest.raises(error, match=message):
            api.send_message(**arguments)
        with pytest.raises(error, match=message):
            next(api.stream_message(**arguments))
