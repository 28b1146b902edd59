"""Heads of DevTools responses."""

from __future__ import annotations

from chatgpt_browser._browser.cdp_target import read_head
from chatgpt_browser._core.models import Head


def test_read_head_response_with_cookies_lowers_names_and_drops_them() -> None:
    response = {
        "url": "https://chatgpt.com/",
        "status": 429,
        "statusText": "Too Many Requests",
        "headers": {"Retry-After": "7", "Set-Cookie": "secret", "content-type": "text/html"},
    }

    headers = {"retry-after": "7", "content-type": "text/html"}
    assert read_head(response) == Head(429, "Too Many Requests", headers, redirected=False)
