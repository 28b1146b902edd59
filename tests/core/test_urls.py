"""Tests of the site's base URLs and origins."""

from __future__ import annotations

import pytest

from chatgpt_browser._core.urls import Site, origin_of


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
def test_origin_of_url_matches_browser_serialization(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "app.localhost", "[::1]"])
def test_site_checked_accepts_http_for_loopback(host: str) -> None:
    site = Site.checked(f"http://{host}:9/api/", f"http://{host}:9/backend-api/")

    assert site.session_url == f"http://{host}:9/api/auth/session"
    assert site.conversation_url == f"http://{host}:9/backend-api/conversation"


@pytest.mark.parametrize("host", ["10.0.0.1", "example.com", "localhost.example.com", "0.0.0.0"])
def test_site_checked_rejects_http_for_other_hosts(host: str) -> None:
    with pytest.raises(ValueError, match="api_base_url"):
        Site.checked(f"http://{host}/api", f"http://{host}/backend-api")


def test_site_moved_keeps_paths() -> None:
    site = Site.checked("https://chat.openai.com/api", "https://chat.openai.com/backend-api")

    assert site.moved("https://chatgpt.com") == Site(
        "https://chatgpt.com/api", "https://chatgpt.com/backend-api"
    )
