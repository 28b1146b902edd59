"""Builds the paths of the backend's endpoints for models and conversations, and converts their responses to typed data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

from .._core.models import check_id
from .._core.public import public_type
from .conversation_tree import newest_branch
from .message import UNREADABLE, hidden_text, is_question, is_visible, message_text, recipient_of, role_of
from .reply_text import clean_text

#: The path of the list of models with the presets of the page's model picker, relative to the backend's base URL.
MODELS = "models?iim=false&is_gizmo=false&supports_model_picker_upgrade_presets=true"
#: The path of the list of conversations, relative to the backend's base URL.
CONVERSATIONS = "conversations"


@public_type
@dataclass(frozen=True)
class ConversationSummary:
    """One entry of the list of conversations. The times are datetimes with a time zone, or None."""

    id: str
    title: str | None = None
    create_time: datetime | None = None
    update_time: datetime | None = None


@public_type
@dataclass(frozen=True)
class HistoryMessage:
    """One message of a stored conversation. ``role`` is ``user``, ``assistant``, ``system`` or ``tool``.

    ``hidden`` is True if the site's page does not show the message as part of the conversation. Instructions, thoughts, tool
    calls and the output of tools are hidden. ``recipient`` is the name of the tool to which the message is addressed, or None.
    Like the result of :meth:`AsyncChatGPTAPI.send_message`, the text of a reply contains no citation marks. The text of a
    question is unchanged.
    """

    id: str
    role: str
    text: str
    create_time: datetime | None = None
    parent_message_id: str | None = None
    hidden: bool = False
    recipient: str | None = None


@public_type
@dataclass(frozen=True)
class History:
    """A stored conversation.

    ``messages`` contains the messages of the newest branch, including hidden messages, oldest first. ``visible_messages``
    contains only the messages that a person sees on the site. ``current_node`` is the id of the newest message, which is the
    ``parent_message_id`` of the next message. ``raw`` is the whole response.
    """

    conversation_id: str
    title: str | None
    create_time: datetime | None
    update_time: datetime | None
    current_node: str | None
    messages: tuple[HistoryMessage, ...]
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def visible_messages(self) -> tuple[HistoryMessage, ...]:
        """The messages that are not hidden."""
        return tuple(message for message in self.messages if not message.hidden)


def conversation_path(conversation_id: str) -> str:
    """Return the path of a conversation, relative to the backend's base URL.

    :raises TypeError: the id is not a str.
    :raises ValueError: the id is empty.
    """
    return f"conversation/{_quoted(conversation_id)}"


def title_path(conversation_id: str) -> str:
    """Return the path of the request that generates a title for a conversation.

    The errors are the same as those of :func:`conversation_path`.
    """
    return f"conversation/gen_title/{_quoted(conversation_id)}"


def _quoted(conversation_id: str | None) -> str:
    if conversation_id is None:
        raise TypeError("conversation_id must be a str, not NoneType")
    check_id("conversation_id", conversation_id)
    if conversation_id in (".", ".."):
        raise ValueError("conversation_id must not be . or .., which a URL cannot contain as a name")
    try:
        return quote(conversation_id, safe="")
    except UnicodeEncodeError:
        raise ValueError("conversation_id must not contain half a character (a lone surrogate)") from None


def conversations_path(offset: int, limit: int) -> str:
    """Return the path of one page of the list of conversations."""
    return f"{CONVERSATIONS}?" + urlencode({"offset": offset, "limit": limit})


def read_conversations(data: Any) -> list[ConversationSummary]:
    """Return the conversations in a response of ``GET /conversations``. Entries without an id are skipped."""
    return [
        ConversationSummary(
            item["id"],
            _text(item.get("title")),
            _time(item.get("create_time")),
            _time(item.get("update_time")),
        )
        for item in _objects(_field(data, "items"))
        if isinstance(item.get("id"), str)
    ]


def read_history(conversation_id: str, data: Any) -> History:
    """Return the stored conversation in a response of ``GET /conversation/{id}``."""
    fields = data if isinstance(data, dict) else {}
    return History(
        conversation_id,
        _text(fields.get("title")),
        _time(fields.get("create_time")),
        _time(fields.get("update_time")),
        _text(fields.get("current_node")),
        tuple(_newest_messages(data)),
        fields,
    )


def read_title(data: Any) -> str:
    """Return the title in a response of ``POST /conversation/gen_title/{id}``, or an empty text if the response has no title."""
    return _text(_field(data, "title")) or ""


def _newest_messages(data: Any) -> list[HistoryMessage]:
    """Return the messages of a stored conversation's newest branch, oldest first."""
    return [
        _message(node_id, _text(node.get("parent")), message)
        for node_id, node in newest_branch(data)
        if isinstance(message := node.get("message"), dict)
    ][::-1]


def _message(node_id: str, parent: str | None, message: dict[str, Any]) -> HistoryMessage:
    return HistoryMessage(
        node_id,
        role if isinstance(role := role_of(message), str) else UNREADABLE,
        _text_of(message),
        _time(message.get("create_time")),
        parent,
        hidden=not is_visible(message),
        recipient=recipient_of(message),
    )


def _text_of(message: dict[str, Any]) -> str:
    if not isinstance(message.get("content"), dict):
        return ""
    if is_question(message):
        return message_text(message)  # the text is unchanged, so that it can be sent again
    return clean_text(message_text(message) if is_visible(message) else hidden_text(message))


def _field(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    """Parse a time. Some endpoints send seconds since 1970, and others send ISO 8601. Return None for an invalid time.

    A time in the first or the last year of Python's calendar is invalid, because it cannot be converted to every time zone.
    """
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value.replace("Z", "+00:00"))
            time = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        else:
            time = datetime.fromtimestamp(value, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return time if MINYEAR < time.year < MAXYEAR else None
