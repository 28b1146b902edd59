"""The site's ``delta_encoding`` v1: events that say what has changed, back into whole values. Pure: no I/O, no clock.

A delta is ``{"c": channel, "p": path, "o": operation, "v": value}``. What it leaves out of ``c``, ``p`` and ``o`` is as in the
delta before; ``v`` is never carried over. Each channel holds one value, which the deltas build and change. Paths are JSON
Pointers (RFC 6901). ``add``, ``replace`` and ``remove`` are those of JSON Patch (RFC 6902), less strict where the site is:
``replace`` also makes a member that is not there yet. ``append``, ``truncate`` and ``patch`` are the site's own.

Libraries for JSON Patch know neither carrying over nor the site's own operations, and copy the whole value for each change.
"""

from __future__ import annotations

from typing import Any

from .unicode_ranges import SURROGATES, contains_any

__all__ = ["KNOWN_ENCODINGS", "DeltaDecoder", "DeltaError", "copied", "is_delta"]

#: What an ``event: delta_encoding`` may name.
KNOWN_ENCODINGS = ("v1",)

_FIELDS = frozenset("cpov")
_OTHERS = frozenset({"type", "message", "error", "detail"})  # fields of events that are no deltas
_LONGEST_INDEX = 9  # digits
_TEXTS = ("/message/content/parts/0", "/message/content/text")  # where a message has its own
_END = object()  # the place behind the last item of an array


class DeltaError(ValueError):
    """A delta that can't be applied to what is there. Its message names the operation and the path, never the value."""


def is_delta(event: dict[str, Any]) -> bool:
    """Whether an event, by its fields, is a delta. A field that is not known yet does not make another event of it."""
    return bool(event) and (event.keys() <= _FIELDS or ("v" in event and not event.keys() & _OTHERS))


class DeltaDecoder:
    """The channels of one stream. A value is changed in place: what is to be kept is copied."""

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._channel: Any = 0
        self._path = ""
        self._operation = "add"
        self._before_patch = "add"  # the newest operation that is none of several
        self._text_path = _TEXTS[0]  # where text was appended last
        self._growing: tuple[Any, Any] | None = (
            None  # the container and the key of the text that the newest delta added to,
        )
        self._more: list[str] = []  # and what has come for it since

    @property
    def channel(self) -> Any:
        """The channel that the newest delta was about."""
        return self._channel

    @property
    def value(self) -> Any:
        """The value of the channel that the newest delta was about; None before the first."""
        if self._more:
            self._settle()
        return self._values.get(self._channel)

    def grow(self, delta: dict[str, Any]) -> str | None:
        """Take a delta that says no more than ``{"v": text}`` where text was added just before: by far the most do.

        Gives that text; None, and nothing is taken, where the delta is another one.
        """
        value = delta.get("v")
        if self._growing is None or len(delta) != 1 or not isinstance(value, str):
            return None
        self.grow_by(value)
        return value

    def grow_by(self, text: str) -> None:
        """The same for a delta that is known to be one of these: its text."""
        self._more.append(text)

    def grows_in(self, holder: Any) -> bool:
        """Whether the text that :meth:`grow` adds to is in this very array or object."""
        return self._growing is not None and self._growing[0] is holder

    def _settle(self) -> None:
        assert self._growing is not None
        holder, key = self._growing
        holder[key] = joined(holder[key], "".join(self._more))
        self._more = []

    def apply(self, delta: dict[str, Any]) -> Any:
        """Take the next delta; the whole value of its channel as it is now.

        :raises DeltaError: it does not fit what is there.
        """
        if self._more:
            self._settle()
        self._growing = None
        try:
            value = copied(delta.get("v"))  # the event stays as it was sent, whatever comes later
        except RecursionError:
            raise DeltaError("nested too deeply") from None
        channel = delta.get("c", self._channel)
        if isinstance(channel, (dict, list)):
            raise DeltaError("a delta's channel is no number")
        self._channel = channel
        if "p" not in delta and "o" not in delta:
            self._restart(value)
        elif "o" not in delta and self._operation == "patch" and not isinstance(value, list):
            self._operation = self._before_patch
        self._operation = delta.get("o", self._operation)
        if self._operation != "patch":
            self._before_patch = self._operation
        if self._operation == "patch" and "o" in delta:
            self._path = delta.get("p", "")  # a patch that names no path speaks of the whole value
        else:
            self._path = delta.get("p", self._path)
        try:
            self._change(self._path, self._operation, value)
        except RecursionError:  # patches within patches
            raise DeltaError("nested too deeply") from None
        if (path := self._grown(value)) is not None:
            holder, key = _find(self.value, path)
            if _is_there(holder, key) and isinstance(holder[key], str):
                self._growing = holder, key
        return self.value

    def _grown(self, value: Any) -> str | None:
        """Where this delta has done no more than append to a text, by itself or as a patch of one change; None for another."""
        path, operation = self._path, self._operation
        if operation == "patch" and isinstance(value, list) and len(value) == 1:
            (item,) = value
            path, operation, value = path + item.get("p", ""), item.get("o"), item.get("v")
        return path if operation == "append" and isinstance(value, str) and path else None

    def _restart(self, value: Any) -> None:
        """What a value alone says where what was carried over can't be meant: the sources differ on what is.

        A whole message is the beginning of a new one. A text after a patch, or after a whole message, is more of the text: that
        which was appended to last, or the new message's own.
        """
        if isinstance(value, dict) and isinstance(value.get("message"), dict):
            self._path, self._operation = "", "add"
        elif isinstance(value, str) and (self._operation == "patch" or self._path == ""):
            places = (self._text_path, *_TEXTS)
            path = next((path for path in places if isinstance(_get(self.value, path), str)), None)
            if path is not None:
                self._path, self._operation = path, "append"

    def _change(self, path: Any, operation: Any, value: Any) -> None:
        if not isinstance(path, str):
            raise DeltaError("a delta's path is no text")
        if operation == "patch":
            self._patch(path, value)
        elif path == "":
            self._values[self._channel] = _changed_root(self.value, operation, value)
        else:
            _change_member(self.value, path, operation, value)
        if operation == "append" and isinstance(value, str):
            self._text_path = path

    def _patch(self, path: str, items: Any) -> None:
        """Several changes in order. Nothing is carried over between them; their paths go on from the patch's own."""
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise DeltaError(f"patch at {path!r}: not a list of changes")
        for item in items:
            below = item.get("p", "")
            self._change(path + below if isinstance(below, str) else below, item.get("o"), item.get("v"))


def _changed_root(old: Any, operation: Any, value: Any) -> Any:
    if operation in ("add", "replace"):
        return value
    if operation == "remove":
        return None
    return _changed(old, "", operation, value)


def _change_member(root: Any, path: str, operation: Any, value: Any) -> None:
    holder, key = _find(root, path)
    if operation == "add":
        _add(holder, key, value)
    elif operation == "replace":
        _set(holder, key, value, path)
    elif operation == "remove":
        _check_there(holder, key, path, operation)
        del holder[key]
    elif operation == "append" and not _is_there(holder, key):
        _set(holder, key, value, path)
    else:
        _check_there(holder, key, path, operation)
        holder[key] = _changed(holder[key], path, operation, value)


def _find(root: Any, path: str) -> tuple[Any, Any]:
    """The object or array that a path leads into, and the key or index in there."""
    if not path.startswith("/"):
        raise DeltaError(f"{path!r} is no path")
    *steps, last = (step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    holder = root
    for step in steps:
        key = _key(holder, step, path)
        if not _is_there(holder, key):
            raise DeltaError(f"{path!r} leads to nothing")
        holder = holder[key]
    return holder, _key(holder, last, path)


def _get(root: Any, path: str) -> Any:
    """What is at a path, or None."""
    try:
        holder, key = _find(root, path)
    except DeltaError:
        return None
    return holder[key] if _is_there(holder, key) else None


def _key(holder: Any, step: str, path: str) -> Any:
    if isinstance(holder, dict):
        return step
    if isinstance(holder, list):
        if step == "-":
            return _END
        short = len(step) <= _LONGEST_INDEX
        if short and step.isdecimal() and step.isascii() and (step == "0" or step[0] != "0"):
            return int(step)
    raise DeltaError(f"{path!r} leads to nothing")


def _is_there(holder: Any, key: Any) -> bool:
    if isinstance(holder, dict):
        return key in holder
    return key is not _END and key < len(holder)


def _check_there(holder: Any, key: Any, path: str, operation: Any) -> None:
    if not _is_there(holder, key):
        raise DeltaError(f"{operation} at {path!r}: nothing is there")


def _add(holder: Any, key: Any, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    elif key is _END or key == len(holder):
        holder.append(value)
    elif key < len(holder):
        holder.insert(key, value)
    else:
        raise DeltaError(f"add at {key}: the array has {len(holder)} items")


def _set(holder: Any, key: Any, value: Any, path: str) -> None:
    """Set a member that may be new: one of an object, or the next of an array."""
    if isinstance(holder, dict) or _is_there(holder, key):
        holder[key] = value
    elif key is _END or key == len(holder):
        holder.append(value)
    else:
        raise DeltaError(f"{path!r} leads to nothing")


def _changed(old: Any, path: str, operation: Any, value: Any) -> Any:
    """What becomes of a value that is there."""
    if operation == "append":
        return _appended(old, value, path)
    if operation == "truncate":
        if isinstance(old, (str, list)) and isinstance(value, int) and value >= 0:
            return old[:value] if isinstance(old, list) else _cut(old, value)
        raise DeltaError(f"truncate at {path!r}: the value is not a length, or the target has none")
    raise DeltaError(f"{operation!r} at {path!r} is no operation of the encoding")


def _appended(old: Any, value: Any, path: str) -> Any:
    if isinstance(old, str) and isinstance(value, str):
        return joined(old, value)
    if isinstance(old, list):
        return [*old, *(value if isinstance(value, list) else [value])]
    if isinstance(old, dict) and isinstance(value, dict):
        return {**old, **value}
    if old is None:
        return value
    raise DeltaError(f"append at {path!r}: {type(value).__name__} to {type(old).__name__}")


def _cut(text: str, length: int) -> str:
    """A text's beginning; the site counts as JavaScript does, in halves of UTF-16."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * length].decode("utf-16-le", "surrogatepass")


def joined(text: str, more: str) -> str:
    """Two pieces of a text. A character that was cut between its two halves (of UTF-16) is one again."""
    whole = text + more
    if not contains_any(SURROGATES, more):
        return whole
    return whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def copied(value: Any) -> Any:
    """A copy of a JSON value, which later deltas don't reach. Faster than :func:`copy.deepcopy`, which expects anything."""
    if isinstance(value, dict):
        return {key: copied(member) for key, member in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
