"""Requests titles for new conversations, as the site's page does after the first reply, and replaces missing titles in lists."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from chatgpt_browser import ChatGPTError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser import ChatGPTAPI, ConversationSummary

#: The maximum time in seconds that a command waits for the title after the reply is complete.
TITLE_TIMEOUT = 5.0
#: A conversation with one of these titles is treated as untitled. The comparison ignores case.
UNTITLED = ("", "new chat")
#: MAX_READ is the maximum number of untitled conversations that are read. Each of them needs one request. MAX_LENGTH is the
#: maximum length, in characters, of a title that replaces a missing title.
MAX_READ, MAX_LENGTH = 20, 60


def request_title(
    api: ChatGPTAPI, conversation_id: str, message_id: str | None, *, wait: float = TITLE_TIMEOUT
) -> None:
    """Request a generated title for a new conversation. Wait at most `wait` seconds for the title, and ignore errors."""

    def generate() -> None:
        with suppress(ChatGPTError):  # The command has received its reply, so it succeeds without a title.
            api.generate_title(conversation_id, message_id)

    thread = threading.Thread(target=generate, name="chatgpt_browser title", daemon=True)
    thread.start()
    with suppress(KeyboardInterrupt):
        thread.join(wait)


def with_first_words(api: ChatGPTAPI, found: Sequence[ConversationSummary]) -> list[ConversationSummary]:
    """Return the conversations. A conversation without a title gets the first words of its first user message as its title.

    At most 20 conversations are read. After an error, no more conversations are read.
    """
    untitled = [summary.id for summary in found if (summary.title or "").strip().lower() in UNTITLED]
    words: dict[str, str] = {}
    with suppress(ChatGPTError):
        for conversation_id in untitled[:MAX_READ]:
            words[conversation_id] = first_words(api, conversation_id)
    return [replace(summary, title=words.get(summary.id) or summary.title) for summary in found]


def first_words(api: ChatGPTAPI, conversation_id: str) -> str:
    """Return the start of a conversation's first user message, or an empty string if there is no such message."""
    messages = api.get_history(conversation_id).messages
    text = next((m.text for m in messages if m.role == "user" and m.text.strip()), "")
    line = " ".join(text.split())
    if len(line) <= MAX_LENGTH:
        return line
    return f"{line[:MAX_LENGTH].rpartition(' ')[0] or line[:MAX_LENGTH]}…"
