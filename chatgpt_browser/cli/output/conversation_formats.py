"""Formats a conversation as Markdown or JSON text. These functions use no terminal, no files and no clock."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatgpt_browser import History

#: Maps the role of an author to the heading of the author's messages.
SPEAKERS = {"user": "You", "assistant": "ChatGPT"}
#: In a file name, the title is cut to this number of characters.
MAX_SLUG_LENGTH = 50


class Format(str, enum.Enum):
    """The format of an exported conversation."""

    markdown = "markdown"
    json = "json"

    @property
    def suffix(self) -> str:
        """The suffix of a file in this format."""
        return ".md" if self is Format.markdown else ".json"


def format_conversation(history: History, form: Format) -> str:
    """Return a conversation as text in the given format. The text ends with a line feed."""
    if form is Format.json:
        content = history_object(history)
        return json.dumps(content, ensure_ascii=False, indent=2, default=datetime.isoformat) + "\n"
    return as_markdown(history)


def as_markdown(history: History) -> str:
    """Return a conversation as Markdown: the title, the id, the times, and the messages that are not empty."""
    facts = [
        f"- Conversation: `{history.conversation_id}`" if history.conversation_id else "",
        f"- Created: {local_time(history.create_time)}" if history.create_time else "",
        f"- Changed: {local_time(history.update_time)}" if history.update_time else "",
    ]
    parts = [f"# {' '.join((history.title or 'Untitled').split())}", "\n".join(filter(None, facts))]
    for message in history.messages:
        if message.text.strip():
            parts += [f"## {author_name(message.role)}", message.text.strip("\n")]

    return "\n\n".join(filter(None, parts)) + "\n"


def history_object(history: History) -> dict[str, Any]:
    """Return a conversation as a dict with the fields of `History`, except `raw`, which contains the site's response."""
    content = asdict(replace(history, raw={}))
    del content["raw"]
    return content


def file_name(conversation_id: str, title: str | None, created: datetime | None, form: Format) -> str:
    """Return a file name from date, title and id. Such names sort by date, are unique, and are valid on every platform."""
    slug = re.sub(r"[\W_]+", "-", title or "").strip("-").lower()[:MAX_SLUG_LENGTH].strip("-")
    day = f"{created:%Y-%m-%d}" if created else ""
    return "-".join(filter(None, (day, slug, re.sub(r"[^\w-]", "_", conversation_id)))) + form.suffix


def author_name(role: str) -> str:
    """Return the display name of a message's author."""
    return SPEAKERS.get(role, role)


def local_time(time: datetime) -> str:
    """Return a time as text, in the local time zone and without seconds."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
