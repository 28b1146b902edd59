"""A conversation as a text to keep: Markdown for people, JSON for programs. Pure: no terminal, no files, no clock."""

from __future__ import annotations

import enum
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from chatgpt_browser import History

SPEAKERS = {"user": "You", "assistant": "ChatGPT"}
#: Characters of a title that a file's name takes.
LONGEST_SLUG = 50


class Format(str, enum.Enum):
    """What a conversation is written as."""

    markdown = "markdown"
    json = "json"

    @property
    def suffix(self) -> str:
        """How the names of its files end."""
        return ".md" if self is Format.markdown else ".json"


def exported(history: History, form: Format) -> str:
    """The whole text of a conversation; it ends its last line."""
    if form is Format.json:
        return json.dumps(history_object(history), ensure_ascii=False, indent=2) + "\n"
    return as_markdown(history)


def as_markdown(history: History) -> str:
    """The title, where it is from, and each message that says something under its speaker."""
    facts = [
        f"- Conversation: `{history.conversation_id}`" if history.conversation_id else "",
        f"- Begun: {moment(history.create_time)}" if history.create_time else "",
        f"- Changed: {moment(history.update_time)}" if history.update_time else "",
    ]
    parts = [f"# {' '.join((history.title or 'Untitled').split())}", "\n".join(filter(None, facts))]
    for message in history.messages:
        if message.text.strip():
            parts += [f"## {speaker(message.role)}", message.text.strip("\n")]

    return "\n\n".join(filter(None, parts)) + "\n"


def history_object(history: History) -> dict[str, Any]:
    """The same as plain data; times are ISO 8601."""
    return {
        "conversation_id": history.conversation_id,
        "title": history.title,
        "create_time": iso(history.create_time),
        "update_time": iso(history.update_time),
        "current_node": history.current_node,
        "messages": [
            {
                "id": message.id,
                "parent_message_id": message.parent_message_id,
                "role": message.role,
                "create_time": iso(message.create_time),
                "text": message.text,
            }
            for message in history.messages
        ],
    }


def file_name(conversation_id: str, title: str | None, created: datetime | None, form: Format) -> str:
    """A name that sorts by time, can be read, and no two conversations share; safe on every platform."""
    slug = re.sub(r"[\W_]+", "-", title or "").strip("-").lower()[:LONGEST_SLUG].strip("-")
    day = f"{created:%Y-%m-%d}" if created else ""
    return "-".join(filter(None, (day, slug, re.sub(r"[^\w-]", "_", conversation_id)))) + form.suffix


def speaker(role: str) -> str:
    """Who a role is, for people."""
    return SPEAKERS.get(role, role)


def moment(time: datetime) -> str:
    """A time for people, in their own zone."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
