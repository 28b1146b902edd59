"""Sends messages through revChatGPT 0.1.1 and prints the results as one line of JSON.

Only the client's protocol is tested, not the way in which it passes Cloudflare's checks. Therefore `requests` replaces the
library that imitates Chrome's TLS, and the browser that fetches cookies is not started.
"""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import requests


class Session(requests.Session):
    """Replaces the session of `tls_client`. It has the methods that the client uses."""

    def __init__(self, **options: Any) -> None:
        super().__init__()

    def request(self, *args: Any, timeout_seconds: float = 20, **options: Any) -> requests.Response:
        return super().request(*args, **{**options, "timeout": timeout_seconds})


class Chrome:
    """Replaces the base class of the client's browser, so that no browser is started."""


def main() -> None:
    origin, session_token = sys.argv[1:]
    tls_client, driver = ModuleType("tls_client"), ModuleType("undetected_chromedriver")
    tls_client.Session = Session  # type: ignore[attr-defined]
    driver.Chrome = Chrome  # type: ignore[attr-defined]
    sys.modules.update(
        {"tls_client": tls_client, "undetected_chromedriver": driver, "twocaptcha": MagicMock()}
    )
    for name in (
        "",
        ".webdriver",
        ".webdriver.support",
        ".webdriver.support.ui",
        ".webdriver.common",
        ".webdriver.common.by",
    ):
        sys.modules[f"selenium{name}"] = MagicMock()
    module: Any = __import__("revChatGPT.ChatGPT", fromlist=["*"])
    module.BASE_URL = f"{origin}/"
    module.Chatbot.get_cf_cookies = lambda bot: None

    bot = module.Chatbot({"session_token": session_token})
    first = bot.ask("My name is Ada.", gen_title=True)
    second = bot.ask("What is my name?")
    titles = [item["title"] for item in bot.get_conversations()]
    history = bot.get_msg_history(second["conversation_id"])
    bot.delete_conversation(second["conversation_id"])
    remaining = bot.get_conversations()
    print(
        json.dumps(
            {"first": first, "second": second, "titles": titles, "history": history, "remaining": remaining}
        )
    )


main()
