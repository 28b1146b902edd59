"""Converts the values and the errors of the client's methods to JSON objects, and back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._client.job_codec import decode_error, encode_error
from .._core.errors import ChatGPTError
from .._core.reply import Citation, Reply, Thought, ToolCall
from .._core.reply_events import CitationFound, Done, FileFound, TextDelta, ThoughtDelta, ToolUpdate
from .._protocol.backend import ConversationSummary
from .._protocol.file_refs import FileRef
from .._protocol.model_list import Model

if TYPE_CHECKING:
    from collections.abc import Callable

#: The key of the field that names the class of an object.
_CLASS = "__class__"
#: The name of the fields that contain the site's JSON. Their values are not converted.
_SITE_JSON = "raw"
_CLASSES = {
    kind.__name__: kind
    for kind in (
        *(Citation, Thought, ToolCall, Reply, FileRef, Model, ConversationSummary),
        *(TextDelta, ThoughtDelta, ToolUpdate, CitationFound, FileFound, Done),
    )
}


def _class_named(name: str) -> Any:
    if name in ("History", "HistoryMessage"):
        from .._protocol import history  # few commands read a past conversation, and this import is slow

        return getattr(history, name)
    return _CLASSES[name]


def encode(value: Any) -> Any:
    """Return a value as objects that `json` accepts. A file of a reply is encoded as a `FileRef`, without its content."""
    if isinstance(value, datetime):
        return {_CLASS: "datetime", "value": value.isoformat()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    value = getattr(value, "_ref", value)
    if isinstance(value, TextDelta):
        # Each snapshot repeats the whole text so far, so only the new text and its position are sent.
        return {_CLASS: "TextDelta", "text": value.text, "start": len(value.snapshot) - len(value.text)}
    if is_dataclass(value):
        items = ((field.name, getattr(value, field.name)) for field in fields(value) if field.name != "edits")
        content = {name: item if name == _SITE_JSON else encode(item) for name, item in items}
        return {_CLASS: type(value).__name__, **content}
    return value


def decode(data: Any, bind_file: Callable[[FileRef], Any], text: str = "") -> Any:
    """Return the value that the JSON describes.

    :param bind_file: a function that returns the file object for a reference to a file.
    :param text: the snapshot of the previous event of the same reply.
    """
    if isinstance(data, list):
        return [decode(item, bind_file) for item in data]
    if not isinstance(data, dict) or _CLASS not in data:
        return data
    name = data[_CLASS]
    if name == "datetime":
        return datetime.fromisoformat(data["value"])
    if name == "TextDelta":
        return TextDelta(data["text"], text[: data["start"]] + data["text"])
    values = {
        key: item if key == _SITE_JSON else _immutable(decode(item, bind_file))
        for key, item in data.items()
        if key != _CLASS
    }
    value = _class_named(name)(**values)
    return bind_file(value) if isinstance(value, FileRef) else value


def _immutable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def encode_failure(error: Exception) -> dict[str, Any]:
    """Return the line that reports the error of a call."""
    if isinstance(error, OSError) and not isinstance(error, ChatGPTError):
        if error.errno is None:  # The error was created with only a text.
            return {"os_error": [str(error)]}
        filename = None if error.filename is None else str(error.filename)
        return {"os_error": [error.errno, error.strerror, filename]}
    if isinstance(error, (ValueError, TypeError)) and not isinstance(error, ChatGPTError):
        return {"value_error": str(error)}
    return {"error": encode_error(error)}


def decode_failure(line: dict[str, Any]) -> Exception | None:
    """Return the error in a line, or None if the line contains no error."""
    if "os_error" in line:
        return OSError(*line["os_error"])  # The number determines the subclass, for example FileExistsError.
    if "value_error" in line:
        return ValueError(line["value_error"])
    return decode_error(line["error"]) if "error" in line else None
