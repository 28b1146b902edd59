"""Converts replies and errors to JSON objects for the job store, and back."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from .._core import errors
from .._core.reply import Citation, Reply, Thought, ToolCall
from .._protocol.file_refs import FileRef

#: The attributes of an error that are not stored: they may contain private text of a response or of the page.
_PRIVATE = frozenset({"body", "elements", "matches"})


def encode_reply(reply: Reply[FileRef]) -> dict[str, Any]:
    """Return a reply as a JSON object. The files of the reply are references, without their bytes."""
    files = tuple(replace(file, edits=()) for file in reply.files)
    data = asdict(replace(reply, files=files))
    data["created_at"] = None if reply.created_at is None else reply.created_at.isoformat()
    return data


def decode_reply(data: dict[str, Any]) -> Reply[FileRef]:
    """Create a reply from its JSON object. A field that a newer version of the package has stored is ignored."""
    created_at = data.get("created_at")
    values = {
        **_known(Reply, data),
        "citations": _all(Citation, data),
        "files": _all(FileRef, data),
        "thoughts": _all(Thought, data),
        "tool_calls": _all(ToolCall, data),
        "created_at": None if created_at is None else datetime.fromisoformat(created_at),
    }
    return Reply(**values)


def _all(kind: Any, data: dict[str, Any]) -> tuple[Any, ...]:
    names = {Citation: "citations", FileRef: "files", Thought: "thoughts", ToolCall: "tool_calls"}
    items = (_known(kind, item) for item in data.get(names[kind], ()))
    return tuple(kind(**{name: value for name, value in item.items() if name != "edits"}) for item in items)


def _known(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in data.items() if name in names}


def encode_error(error: BaseException) -> dict[str, Any]:
    """Return an error as a JSON object, without the attributes that may contain private text."""
    known = {
        name: value
        for name, value in vars(error).items()
        if not name.startswith("_") and name not in _PRIVATE and value is not None
    }
    return {"type": type(error).__name__, "message": str(error), **json.loads(json.dumps(known, default=str))}


def decode_error(data: dict[str, Any]) -> errors.ChatGPTError:
    """Return the error in a JSON object. An error of an unknown class becomes a ``ChatGPTError``."""
    kind = getattr(errors, str(data.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.ChatGPTError)):
        kind = errors.ChatGPTError
    error: errors.ChatGPTError = kind(str(data.get("message", "")))
    for name in data.keys() - {"type", "message"}:
        if hasattr(error, name):  # A newer version of the package may have stored other attributes.
            setattr(error, name, data[name])
    return error
