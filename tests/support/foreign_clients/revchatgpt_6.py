"""Sends messages through revChatGPT 6.8.6 and prints the results as one line of JSON."""

from __future__ import annotations

import json
import sys
from typing import Any
from unittest.mock import MagicMock

# The library signs in with a password and requests the id of a paid account. Here, it uses an access token of a free account.
sys.modules["OpenAIAuth"] = MagicMock(Auth0=MagicMock(side_effect=RuntimeError))


def main() -> None:
    base_url, access_token = sys.argv[1:]
    module: Any = __import__("revChatGPT.V1", fromlist=["*"])
    bot = module.Chatbot({"access_token": access_token}, base_url=f"{base_url}/")

    first = [*bot.ask("My name is Ada.")]
    second = [*bot.ask("What is my name?")][-1]
    cut = [*bot.ask("A long story", auto_continue=True)][-1]
    title = bot.gen_title(bot.conversation_id, bot.parent_id)
    bot.change_title(bot.conversation_id, "Ada")
    titles = [item["title"] for item in bot.get_conversations()]
    shared = bot.share_conversation()
    history = bot.get_msg_history(bot.conversation_id)
    try:
        [*bot.ask("Refused")]
        refused = "answered"
    except module.t.Error as error:
        refused = f"{error.code} {error.message}"
    bot.delete_conversation(bot.conversation_id)
    bot.clear_conversations()
    print(
        json.dumps(
            {
                "first": first,
                "second": second,
                "cut": cut,
                "title": title,
                "titles": titles,
                "shared": shared,
                "roles": [
                    (node["message"] or {}).get("author", {}).get("role")
                    for node in history["mapping"].values()
                ],
                "refused": refused,
                "remaining": bot.get_conversations(),
            }
        )
    )


main()
