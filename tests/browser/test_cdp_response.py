"""Conversion of DevTools responses to heads."""

from __future__ import annotations

from chatgpt_browser._browser.cdp_response import head_from_cdp
from chatgpt_browser._core.models import Head


def test_head_from_cdp_response_with_cookies_lowers_names_and_drops_them() -> None:
    response = {
        "url": "https://chatgpt.com/",
        "status": 429,
        "statusText": "Too Many Requests",
        "headers": {"Retry-After": "7", "Set-Cookie": "secret", "content-type": "text/html"},
    }

    headers = {"retry-after": "7", "content-type": "text/html"}
    assert head_from_cdp(response) == Head(429, "Too Many Requests", headers, redirected=False)
