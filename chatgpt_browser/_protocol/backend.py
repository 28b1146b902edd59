"""Builds the paths of the backend's endpoints for models and conversations, and converts their responses to typed data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from .._core.models import check_id
from .._core.public import public_type
from .site_time import read_time

if TYPE_CHECKING:
    from datetime import datetime

#: The path of the list of models, relative to the backend's base URL. The response also contains the presets of the model picker.
MODELS = "models?iim=false&is_gizmo=false&supports_model_picker_upgrade_presets=true"
#: The path of the list of conversations, relative to the backend's base URL.
CONVERSATIONS = "conversations"
_CONVERSATION_PATH = re.compile(r"(conversations?/[^/?]+|conversations)(\?.*)?")


@public_type
@dataclass(frozen=True)
class ConversationSummary:
    """One entry of the list of conversations. The times have a time zone. A field is None if the site sent no valid value."""

    id: str
    title: str | None = None
    create_time: datetime | None = None
    update_time: datetime | None = None


def conversation_path(conversation_id: str) -> str:
    """Return the path of a conversation, relative to the backend's base URL.

    :raises TypeError: the id is not a str.
    :raises ValueError: the id is empty, or cannot be a part of a URL.
    """
    return f"conversation/{_quoted(conversation_id)}"


def is_conversation_path(path: str) -> bool:
    """Return whether a path belongs to the list of conversations or to one conversation.

    The site limits how often these paths are read.
    """
    return _CONVERSATION_PATH.fullmatch(path) is not None


def title_path(conversation_id: str) -> str:
    """Return the path of the request that generates a title for a conversation.

    This function raises the same errors as :func:`conversation_path`.
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
    """Return the path of one page of the list of conversations, relative to the backend's base URL."""
    return f"{CONVERSATIONS}?" + urlencode({"offset": offset, "limit": limit})


def read_conversations(data: Any) -> list[ConversationSummary]:
    """Return the conversations in a response of ``GET /conversations``. Entries without an id are skipped."""
    return [
        ConversationSummary(
            item["id"],
            _text(item.get("title")),
            read_time(item.get("create_time")),
            read_time(item.get("update_time")),
        )
        for item in _objects(_field(data, "items"))
        if isinstance(item.get("id"), str)
    ]


def read_title(data: Any) -> str:
    """Return the title in a response of ``POST /conversation/gen_title/{id}``, or an empty text if the response has no title."""
    return _text(_field(data, "title")) or ""


def _field(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
