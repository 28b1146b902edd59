"""A conversation as Markdown or JSON text. Pure: no terminal, no files, no clock."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatgpt_browser import History

#: The headings of the messages, by role.
SPEAKERS = {"user": "You", "assistant": "ChatGPT"}
#: The maximum length of the title in a file name.
MAX_SLUG_LENGTH = 50


class Format(str, enum.Enum):
    """The format of an exported conversation."""

    markdown = "markdown"
    json = "json"

    @property
    def suffix(self) -> str:
        """The suffix of file names."""
        return ".md" if self is Format.markdown else ".json"


def format_conversation(history: History, form: Format) -> str:
    """Return a conversation as text that ends with a line feed."""
    if form is Format.json:
        content = history_object(history)
        return json.dumps(content, ensure_ascii=False, indent=2, default=datetime.isoformat) + "\n"
    return as_markdown(history)


def as_markdown(history: History) -> str:
    """Return the title, the id and times, and each message that the site shows, below the name of its author."""
    facts = [
        f"- Conversation: `{history.conversation_id}`" if history.conversation_id else "",
        f"- Created: {local_time(history.create_time)}" if history.create_time else "",
        f"- Changed: {local_time(history.update_time)}" if history.update_time else "",
    ]
    parts = [f"# {' '.join((history.title or 'Untitled').split())}", "\n".join(filter(None, facts))]
    for message in history.visible_messages:
        if message.text.strip():
            parts += [f"## {author_name(message.role)}", message.text.strip("\n")]

    return "\n\n".join(filter(None, parts)) + "\n"


def history_object(history: History) -> dict[str, Any]:
    """Return a conversation as a dict: the fields of `History` without `raw`, the site's response."""
    content = asdict(replace(history, raw={}))
    del content["raw"]
    return content


def file_name(conversation_id: str, title: str | None, created: datetime | None, form: Format) -> str:
    """Return a readable file name that sorts by time, is unique by conversation and is valid on every platform."""
    slug = re.sub(r"[\W_]+", "-", title or "").strip("-").lower()[:MAX_SLUG_LENGTH].strip("-")
    day = f"{created:%Y-%m-%d}" if created else ""
    return "-".join(filter(None, (day, slug, re.sub(r"[^\w-]", "_", conversation_id)))) + form.suffix


def author_name(role: str) -> str:
    """Return the display name of a message's author."""
    return SPEAKERS.get(role, role)


def local_time(time: datetime) -> str:
    """Return a time in the local time zone, to the minute."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
