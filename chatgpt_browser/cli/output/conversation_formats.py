"""Formats a conversation as Markdown or JSON text. The functions of this module use no terminal, no file and no clock."""

from __future__ import annotations

import enum
import hashlib
import json
import re
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chatgpt_browser._core.files import whole_characters

from .footnotes import Footnotes
from .reply_object import file_object

if TYPE_CHECKING:
    from chatgpt_browser import History, HistoryMessage

#: Maps the role of an author to the heading of the author's messages.
SPEAKERS = {"user": "You", "assistant": "ChatGPT"}
#: The limits for a file name. The title has at most 50 characters and at most 120 bytes. An id has at most 24 characters, unless
#: it is a UUID.
MAX_SLUG_LENGTH, MAX_SLUG_BYTES, MAX_ID_LENGTH = 50, 120, 24
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DIGEST_LENGTH = 16


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
        return (
            whole_characters(json.dumps(content, ensure_ascii=False, indent=2, default=datetime.isoformat))
            + "\n"
        )
    return as_markdown(history)


def as_markdown(history: History) -> str:
    """Return a conversation as Markdown: title, id, times, and the visible messages. The author is the heading of a message."""
    facts = [
        written_id(history.conversation_id, Format.markdown) if history.conversation_id else "",
        f"- Created: {local_time(history.create_time)}" if history.create_time else "",
        f"- Changed: {local_time(history.update_time)}" if history.update_time else "",
    ]
    parts = [f"# {' '.join((history.title or 'Untitled').split())}", "\n".join(filter(None, facts))]
    for index, message in enumerate(history.visible_messages, start=1):
        if message.text.strip():
            parts += [f"## {author_name(message.role)}", _with_footnotes(message, index)]

    return whole_characters("\n\n".join(filter(None, parts))) + "\n"


def _with_footnotes(message: HistoryMessage, index: int) -> str:
    """Return the text of a message with its footnotes. `index` makes the labels of the footnotes unique in the conversation."""
    if not message.citations:
        return message.text.strip("\n")
    footnotes, label = Footnotes(message.citations), f"[^{index}-{{}}]".format
    definitions = "\n".join(footnotes.definitions(label))
    marked = footnotes.mark(message.text, label).strip("\n")
    return f"{marked}\n\n{definitions}"


def history_object(history: History) -> dict[str, Any]:
    """Return a conversation as a dict with the fields of `History`, except `raw`, which contains the site's response."""
    messages = (
        replace(message, files=tuple(map(file_object, message.files))) for message in history.messages
    )
    content = asdict(replace(history, raw={}, messages=tuple(messages)))
    del content["raw"]
    return content


def file_name(conversation_id: str, title: str | None, created: datetime | None, form: Format) -> str:
    """Return a readable file name for a conversation. The name is unique, sorts by creation time, and is valid on every platform.

    The name contains the date, the title and the id. If the id is a UUID, it is used unchanged. Any other id may be too long, or
    may differ from another id only in letter case, which some file systems ignore. Such an id is shortened, and an underscore and
    the id's digest are appended. The other parts of the name contain no underscore.
    """
    slug = re.sub(r"[\W_]+", "-", title or "").strip("-").lower()[:MAX_SLUG_LENGTH]
    slug = slug.encode()[:MAX_SLUG_BYTES].decode(errors="ignore").strip("-")
    day = f"{created:%Y-%m-%d}" if created else ""
    return "-".join(filter(None, (day, slug, file_id(conversation_id)))) + form.suffix


def file_id(conversation_id: str) -> str:
    """Return the part of a file name for a conversation's id: the id, or a short form of the id with its digest."""
    key = names_id(conversation_id)
    if key == conversation_id:
        return key
    return re.sub(r"[^a-z0-9]+", "-", conversation_id.lower())[:MAX_ID_LENGTH].strip("-") + key


def names_id(text: str, *, in_name: bool = False) -> str:
    """Return the part of a file name that identifies a conversation: its id if this is a UUID, else "_" and the id's digest.

    :param text: the conversation's id, or a file name without its suffix.
    :param in_name: True if ``text`` is a file name. Then search this name for the part, and return "" if there is none.
    """
    if in_name:
        found = re.search(rf"(?:^|-)({_UUID})$|(_[0-9a-f]{{{_DIGEST_LENGTH}}})$", text)
        return (found[1] or found[2]) if found else ""
    if re.fullmatch(_UUID, text):
        return text
    return "_" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_LENGTH]


def written_id(conversation_id: str, form: Format) -> str:
    """Return the text with the conversation's id in an exported file: a line of Markdown, or a member of the JSON object."""
    if form is Format.json:
        return f'"conversation_id": {json.dumps(conversation_id, ensure_ascii=False)}'
    return f"- Conversation: `{conversation_id}`"


def author_name(role: str) -> str:
    """Return the display name of a message's author."""
    return SPEAKERS.get(role, role)


def local_time(time: datetime) -> str:
    """Return a time in the local time zone as text, without seconds."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"
