"""Options as plain data: what each may be, and that what makes no sense is named."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from chatgpt_browser import AbortController, AsyncChatGPTAPI, ChatGPTAPI
from chatgpt_browser._core.options import to_limit, to_seconds
from chatgpt_browser._core.urls import Site, origin_of

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
@pytest.mark.parametrize("face", [ChatGPTAPI, AsyncChatGPTAPI])
def test_an_option_that_makes_no_sense_is_named(face: Any, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        face("a-session-token", **{name: value})

    assert "a-session-token" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_milliseconds_and_timedeltas_are_the_same_time() -> None:
    assert to_seconds("x", 1500) == to_seconds("x", timedelta(seconds=1.5)) == 1.5


@pytest.mark.parametrize("none", [None, 0, timedelta(0)])
def test_no_limit(none: Any) -> None:
    assert math.isinf(to_limit("x", none))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://chat.openai.com/api", "https://chat.openai.com"),
        ("https://Chat.OpenAI.com:443/api", "https://chat.openai.com"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8080/api", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_as_a_browser_writes_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "app.localhost", "[::1]"])
def test_plain_http_is_for_loopback(host: str) -> None:
    site = Site.checked(f"http://{host}:9/api/", f"http://{host}:9/backend-api/")

    assert site.session_url == f"http://{host}:9/api/auth/session"
    assert site.conversation_url == f"http://{host}:9/backend-api/conversation"


@pytest.mark.parametrize("host", ["10.0.0.1", "example.com", "localhost.example.com", "0.0.0.0"])
def test_plain_http_is_for_nothing_else(host: str) -> None:
    with pytest.raises(ValueError, match="api_base_url"):
        Site.checked(f"http://{host}/api", f"http://{host}/backend-api")


def test_a_site_that_moves_keeps_its_paths() -> None:
    site = Site.checked("https://chat.openai.com/api", "https://chat.openai.com/backend-api")

    assert site.moved("https://chatgpt.com") == Site(
        "https://chatgpt.com/api", "https://chatgpt.com/backend-api"
    )


def test_a_repr_names_the_site_and_no_secret() -> None:
    assert repr(ChatGPTAPI("a-session-token")) == "<ChatGPTAPI https://chat.openai.com>"


def test_a_proxy_in_each_of_its_forms() -> None:
    for server in ("localhost:3128", "http://proxy:3128", "socks5://127.0.0.1:1080"):
        assert ChatGPTAPI("t", proxy=server)._options.proxy == {"server": server}
    settings: Any = {"server": "http://proxy:3128", "username": None, "bypass": "*.example.org"}
    assert ChatGPTAPI("t", proxy=settings)._options.proxy == {
        "server": "http://proxy:3128",
        "bypass": "*.example.org",
    }


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"message": None}, TypeError, "a message must be a str"),
        ({"message": b"x"}, TypeError, "a message must be a str"),
        ({"message": "x", "conversation_id": ""}, ValueError, "conversation_id must not be empty"),
        ({"message": "x", "parent_message_id": 5}, TypeError, "parent_message_id must be a str"),
        ({"message": "x", "abort_signal": AbortController()}, TypeError, "signal"),
    ],
)
def test_an_argument_that_is_none_of_its_kind_is_named(
    arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    """No browser is started to find it out."""
    with ChatGPTAPI("a-session-token", executable_path="/nowhere") as api:
        with pytest.raises(error, match=says):
            api.send_message(**arguments)
        with pytest.raises(error, match=says):
            next(api.stream_message(**arguments))
