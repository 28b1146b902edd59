"""`drift`: returns the differences in shape between two recordings of the same messages.

The shape of a JSON value consists of its keys and of the types of the values in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ..script.steps import PLACEHOLDER, role_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Maps a path, such as `message.author.role`, to the names of the types of all values at this path.
Shape = dict[str, set[str]]

_ROOT = "the value"
_INDEX = re.compile(r"/\d+(?=/|$)")


class Difference(NamedTuple):
    """One difference in shape."""

    #: The part of the reply that differs: a kind of event, or a path in events of this kind.
    title: str
    #: The types of the value in the cassette.
    expected: str
    #: The types of the value in the newer recording.
    received: str

    def __str__(self) -> str:
        return f"{self.title}\n    expected: {self.expected}\n    received: {self.received}"


def drift(cassette: list[dict[str, Any]], received: list[dict[str, Any]]) -> list[Difference]:
    """Return the differences in shape between the replies in two recordings.

    The messages are compared in order. If one recording has more messages, its last messages are not compared. For each kind of
    event, the keys and types of all its events are combined and then compared, so the number of events does not matter.

    :param cassette: the lines of the older recording.
    :param received: the lines of the newer recording.
    """
    differences = []
    for number, (old, new) in enumerate(zip(_replies(cassette), _replies(received), strict=False), 1):
        for kind in dict.fromkeys([*old, *new]):
            title = f"message {number}, {kind}"
            if kind not in old or kind not in new:
                differences.append(Difference(title, _presence(kind in old), _presence(kind in new)))
                continue
            for path in dict.fromkeys([*old[kind], *new[kind]]):
                # If an object or a list is missing, its keys and items are not reported.
                if _parent_differs(path, old[kind], new[kind]):
                    continue
                types = [_types(shapes[kind], path) for shapes in (old, new)]
                if types[0] != types[1]:
                    differences.append(Difference(f"{title}: {path}", *types))
    return differences


def _presence(is_present: bool) -> str:
    return "present" if is_present else "absent"


def _types(shape: Shape, path: str) -> str:
    return " or ".join(sorted(shape[path])) if path in shape else "absent"


def _parent_differs(path: str, old: Shape, new: Shape) -> bool:
    """Return whether a parent of the path is an object or a list in only one of the two shapes."""
    parents = [path[: found.start()] for found in re.finditer(r"\.|\[\]", path)]
    return any(_is_container(parent, old) != _is_container(parent, new) for parent in parents)


def _is_container(path: str, shape: Shape) -> bool:
    return bool(shape.get(path or _ROOT, set()) & {"dict", "list"})


def _replies(lines: Iterable[dict[str, Any]]) -> list[dict[str, Shape]]:
    """Return a dict for each reply. The dict maps each kind of event to the shape of these events."""
    replies: list[dict[str, Shape]] = []
    path, operation = "", "add"
    for line in lines:
        if "message" in line:
            replies.append({})
            path, operation = "", "add"
        elif "event" in line:
            _add(replies[-1], _kind(line["event"]), line["event"])
        elif "delta" in line:
            delta = line["delta"]
            path, operation = delta.get("p", path), delta.get("o", operation)
            for kind, change in _changes(delta, path, operation):
                _add(replies[-1], kind, change)
        elif "answer" in line:
            answer = line["answer"]
            _add(replies[-1], f"response with status {answer['status']}", answer["body"])
        elif "end" in line and line["end"] != "done":
            replies[-1][f"end {line['end']!r}"] = {}
    return replies


def _changes(delta: dict[str, Any], path: str, operation: str) -> Iterator[tuple[str, Any]]:
    value = delta.get("v")
    if isinstance(value, dict) and isinstance(value.get("message"), dict):
        yield f"delta with {_kind(value)}", value
    elif isinstance(value, list) and all(isinstance(item, dict) and "v" in item for item in value):
        for item in value:
            yield _title(item.get("o"), f"{path}{item.get('p', '')}"), item["v"]
    else:
        yield _title(operation, path), value


def _title(operation: object, path: str) -> str:
    return f"delta {operation!r} of {_INDEX.sub('/*', path) or 'the message'}"


def _kind(event: dict[str, Any]) -> str:
    """Return the kind of an event: its type, or the role and the content type of its message."""
    message = event.get("message")
    if not isinstance(message, dict):
        return f"event {event.get('type', 'without a type')!r}"
    content = message.get("content")
    content_type = content.get("content_type") if isinstance(content, dict) else None
    return f"event of the {role_of(message)} with {content_type or 'text'}"


def _add(reply: dict[str, Shape], kind: str, value: Any) -> None:
    shape = reply.setdefault(kind, {})
    for path, name in _shape(value, ""):
        shape.setdefault(path or _ROOT, set()).add(name)


def _shape(value: Any, path: str) -> Iterator[tuple[str, str]]:
    yield path, "null" if value is None else type(value).__name__
    if isinstance(value, dict):
        for key, item in value.items():
            name = PLACEHOLDER.sub("[id]", key)
            yield from _shape(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from _shape(item, f"{path}[]")
