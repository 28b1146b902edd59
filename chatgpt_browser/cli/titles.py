"""Titles of new conversations, which the site's page requests after the first reply, and texts in place of missing titles."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from chatgpt_browser import ChatGPTError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser import ChatGPTAPI, ConversationSummary

#: Seconds that a command waits for the title, after the reply is complete.
TITLE_TIMEOUT = 5.0
#: The titles of conversations that have none.
UNTITLED = ("", "new chat")
#: The maximum number of conversations that are read for the list, one request each, and of characters that are shown.
MAX_READ, MAX_LENGTH = 20, 60


def request_title(
    api: ChatGPTAPI, conversation_id: str, message_id: str | None, *, wait: float = TITLE_TIMEOUT
) -> None:
    """Let the site generate the title of a new conversation; wait at most `wait` seconds. Errors are ignored."""

    def generate() -> None:
        with suppress(ChatGPTError):  # the reply is complete: a missing title is no failure
            api.generate_title(conversation_id, message_id)

    thread = threading.Thread(target=generate, name="chatgpt_browser title", daemon=True)
    thread.start()
    with suppress(KeyboardInterrupt):
        thread.join(wait)


def with_first_words(api: ChatGPTAPI, found: Sequence[ConversationSummary]) -> list[ConversationSummary]:
    """Return the conversations; those without a title get the first words of their first message as title.

    At most 20 conversations are read; after an error, no further one.
    """
    untitled = [summary.id for summary in found if (summary.title or "").strip().lower() in UNTITLED]
    words: dict[str, str] = {}
    with suppress(ChatGPTError):
        for conversation_id in untitled[:MAX_READ]:
            words[conversation_id] = first_words(api, conversation_id)
    return [replace(summary, title=words.get(summary.id) or summary.title) for summary in found]


def first_words(api: ChatGPTAPI, conversation_id: str) -> str:
    """Return the start of a conversation's first user message, or an empty string."""
    messages = api.get_history(conversation_id).messages
    text = next((m.text for m in messages if m.role == "user" and m.text.strip()), "")
    line = " ".join(text.split())
    if len(line) <= MAX_LENGTH:
        return line
    return f"{line[:MAX_LENGTH].rpartition(' ')[0] or line[:MAX_LENGTH]}…"
