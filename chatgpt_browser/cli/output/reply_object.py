"""Converts the parts of a reply to objects that JSON can represent."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatgpt_browser import Reply

_FILE_FIELDS = ("id", "name", "media_type", "size", "kind")


def parts_object(reply: Reply[Any]) -> dict[str, Any]:
    """Return the parts of a reply as a dict, except the text, the ids and the model."""
    return {
        "effort": reply.effort,
        "finish_reason": reply.finish_reason,
        "created_at": reply.created_at,
        "citations": [asdict(citation) for citation in reply.citations],
        "files": [file_object(file) for file in reply.files],
        "thoughts": [asdict(thought) for thought in reply.thoughts],
        "tool_calls": [asdict(call) for call in reply.tool_calls],
    }


def file_object(file: Any) -> dict[str, Any]:
    """Return the description of a file, without its content."""
    return {name: getattr(file, name, None) for name in _FILE_FIELDS}
