"""Events of a reply, as reduced events for a reply reader, and stored conversations."""

from __future__ import annotations

import json
from typing import Any

__all__ = [
    "DONE",
    "ENCODING",
    "FINISHED",
    "HANDOFF",
    "REMARK",
    "TEXT",
    "item",
    "message",
    "root",
    "tree",
    "user_message",
    "whole",
]

#: The path of a message's text, in deltas.
TEXT = "/message/content/parts/0"
#: The last event of a stream.
DONE = {"type": "", "data": "[DONE]"}
#: The event that announces deltas.
ENCODING = {"type": "delta_encoding", "data": '"v1"'}
#: The delta that marks a message as finished.
FINISHED = {"p": "/message/status", "o": "replace", "v": "finished_successfully"}
#: The notice that the rest of the reply may not come in the stream.
HANDOFF = {"type": "stream_handoff", "conversation_id": "c9", "options": []}
#: The fields of a remark: a finished message that is not the last of its turn.
REMARK = {"status": "finished_successfully", "end_turn": False}


def item(event: Any, type: str = "") -> dict[str, str]:
    """Return an event as the page delivers it."""
    return {"type": type, "data": json.dumps(event)}


def message(text: str = "", **fields: Any) -> dict[str, Any]:
    """Return a message of the assistant, with the id ``answer``, unless ``fields`` change that."""
    return {
        "id": "answer",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [text]},
        "recipient": "all",
        "channel": None,
        "metadata": {},
    } | fields


def user_message(id: str, text: str = "?") -> dict[str, Any]:
    """Return a message of the user."""
    return message(text, id=id, author={"role": "user"})


def whole(text: str = "", **fields: Any) -> dict[str, Any]:
    """Return an event that contains a whole message."""
    return {"message": message(text, **fields), "conversation_id": "c1", "error": None}


def root(text: str = "", channel: int = 0, /, **fields: Any) -> dict[str, Any]:
    """Return the delta that starts a message in a channel."""
    return {"p": "", "o": "add", "v": whole(text, **fields), "c": channel}


def tree(*messages: dict[str, Any], current: str | None = None) -> dict[str, Any]:
    """Return a stored conversation of messages that follow each other."""
    names = [None, *(each["id"] for each in messages)]
    nodes = {
        each["id"]: {"parent": parent, "message": each} for parent, each in zip(names, messages, strict=False)
    }
    return {"mapping": nodes, "current_node": current or names[-1]}
