"""What the backend says of models and past conversations, as typed data. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

from .._core.models import check_id
from .conversation_tree import newest_branch

__all__ = [
    "ConversationSummary",
    "History",
    "HistoryMessage",
    "Model",
    "conversation_path",
    "conversations_path",
    "read_conversations",
    "read_history",
    "read_models",
    "read_title",
    "title_path",
]


@dataclass(frozen=True)
class Model:
    """A model that the account may use. ``slug`` is what the client's ``model`` option takes."""

    slug: str
    title: str | None = None
    max_tokens: int | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ConversationSummary:
    """One entry of the list of conversations; times are aware datetimes."""

    id: str
    title: str | None = None
    create_time: datetime | None = None
    update_time: datetime | None = None


@dataclass(frozen=True)
class HistoryMessage:
    """One message of a past conversation. ``role`` is ``user``, ``assistant``, ``system`` or ``tool``."""

    id: str
    role: str
    text: str
    create_time: datetime | None = None
    parent_message_id: str | None = None


@dataclass(frozen=True)
class History:
    """A past conversation. ``messages`` are those from its beginning to its newest, in order, other branches left out.

    ``current_node`` is the newest message's id, which the next message names as its parent.
    """

    conversation_id: str
    title: str | None
    create_time: datetime | None
    update_time: datetime | None
    current_node: str | None
    messages: tuple[HistoryMessage, ...]
    raw: dict[str, Any] = field(default_factory=dict, repr=False)


def conversation_path(conversation_id: str) -> str:
    """Where a conversation is, below the backend's base URL.

    :raises TypeError: that is no id.
    :raises ValueError: it is empty.
    """
    return f"conversation/{_quoted(conversation_id)}"


def title_path(conversation_id: str) -> str:
    """Where a title is made for a conversation; raises what :func:`conversation_path` does."""
    return f"conversation/gen_title/{_quoted(conversation_id)}"


def _quoted(conversation_id: str | None) -> str:
    if conversation_id is None:
        raise TypeError("conversation_id must be a str, not NoneType")
    check_id("conversation_id", conversation_id)
    return quote(conversation_id, safe="")


def conversations_path(offset: int, limit: int) -> str:
    """Where a page of the list of conversations is."""
    return "conversations?" + urlencode({"offset": offset, "limit": limit})


def read_models(data: Any) -> list[Model]:
    """The models out of ``GET /models``."""
    return [
        Model(item["slug"], _text(item.get("title")), _whole(item.get("max_tokens")), item)
        for item in _objects(_field(data, "models"))
        if isinstance(item.get("slug"), str)
    ]


def read_conversations(data: Any) -> list[ConversationSummary]:
    """The entries out of ``GET /conversations``."""
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
    """The conversation out of ``GET /conversation/{id}``."""
    fields = data if isinstance(data, dict) else {}
    return History(
        conversation_id,
        _text(fields.get("title")),
        _time(fields.get("create_time")),
        _time(fields.get("update_time")),
        _text(fields.get("current_node")),
        tuple(_chain(data)),
        fields,
    )


def read_title(data: Any) -> str:
    """The title out of ``POST /conversation/gen_title/{id}``; empty where there is none."""
    return _text(_field(data, "title")) or ""


def _chain(data: Any) -> list[HistoryMessage]:
    """The messages from the root to the newest."""
    return [
        _message(node_id, _text(node.get("parent")), message)
        for node_id, node in newest_branch(data)
        if isinstance(message := node.get("message"), dict)
    ][::-1]


def _message(node_id: str, parent: str | None, message: dict[str, Any]) -> HistoryMessage:
    author, content = message.get("author"), message.get("content")
    role = author.get("role") if isinstance(author, dict) else message.get("role")
    parts = content.get("parts") if isinstance(content, dict) else None
    text = "".join(part for part in parts if isinstance(part, str)) if isinstance(parts, list) else ""
    return HistoryMessage(node_id, str(role), text, _time(message.get("create_time")), parent)


def _field(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _time(value: Any) -> datetime | None:
    """A time that the backend writes as seconds since 1970 in one place and as ISO 8601 in another."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        return datetime.fromtimestamp(value, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
