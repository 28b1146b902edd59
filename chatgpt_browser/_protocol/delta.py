"""Decodes the site's ``delta_encoding`` v1. In this encoding, an event contains a change of a value (a delta), not the value.

A delta is ``{"c": channel, "p": path, "o": operation, "v": value}``. Each channel has one value, which the deltas change.

* If ``c``, ``p`` or ``o`` is missing, the same field of the previous delta applies. A missing ``v`` means null.
* Paths are JSON Pointers (RFC 6901).
* ``add``, ``replace`` and ``remove`` are operations of JSON Patch (RFC 6902), with one difference: ``replace`` also creates a
  missing member, as on the site.
* ``append``, ``truncate`` and ``patch`` are the site's own operations.

No library for JSON Patch is used. Such libraries do not support missing fields or the site's own operations, and they copy the
whole value for each change.
"""

from __future__ import annotations

from typing import Any

from .unicode_ranges import SURROGATES, contains_any

#: The encodings that this package supports. The event ``delta_encoding`` contains the name of the encoding.
KNOWN_ENCODINGS = ("v1",)

_FIELDS = frozenset("cpov")
#: The fields that no delta has. An event with one of these fields is not a delta.
_OTHERS = frozenset({"type", "message", "error", "detail"})
_LONGEST_INDEX = 9  # The maximum number of digits in an array index.
#: The maximum number of changes in one delta. The site sends fewer than 20. The number is limited because each change may copy a
#: long text.
_MAX_CHANGES = 1000
#: The maximum number of steps in a path. The site sends fewer than 10. Without this limit, deltas could nest values more and more
#: deeply.
_MAX_STEPS = 50
_TEXTS = ("/message/content/parts/0", "/message/content/text")  # The possible paths of a message's text.
#: The beginning of the paths of metadata. If a change of metadata cannot be applied, the change is ignored, because metadata has
#: no effect on a reply's text.
_METADATA = "/message/metadata/"
_END = object()  # Represents the index "-", which is the position after the last item of an array.


class DeltaError(ValueError):
    """The delta cannot be applied to the current value. The message contains the delta's operation and path, never its value."""


def is_delta(event: dict[str, Any]) -> bool:
    """Return whether an event is a delta. Only the names of its fields are checked. Unknown additional fields are allowed."""
    return bool(event) and (event.keys() <= _FIELDS or ("v" in event and not event.keys() & _OTHERS))


class DeltaDecoder:
    """Applies the deltas of one stream to the values of its channels.

    Later deltas change a value in place. Therefore a caller must copy a value before storing it.
    """

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._channel: Any = 0
        self._path = ""
        self._operation = "add"
        self._before_patch = "add"  # The last operation outside a patch.
        self._text_path = _TEXTS[0]  # The path of the last operation that appended text.
        # If the newest delta appended to a text, `_growing` is the container of this text, and the text's key in the container.
        # `_more` contains the pieces that were appended to this text later. The pieces are joined when the value is needed.
        self._growing: tuple[Any, Any] | None = None
        self._more: list[str] = []
        self._changes = 0  # The number of changes that were counted so far in the newest delta.

    @property
    def channel(self) -> Any:
        """The channel of the newest delta."""
        return self._channel

    @property
    def value(self) -> Any:
        """The value of the newest delta's channel, or None before the first delta."""
        if self._more:
            self._settle()
        return self._values.get(self._channel)

    def grow(self, delta: dict[str, Any]) -> str | None:
        """If the delta continues the text that the previous delta appended to, append the new piece and return it.

        Such a delta has the form ``{"v": piece}``. Most deltas have this form. For any other delta, return None and change
        nothing.
        """
        value = delta.get("v")
        if self._growing is None or len(delta) != 1 or not isinstance(value, str):
            return None
        self.grow_by(value)
        return value

    def grow_by(self, text: str) -> None:
        """Apply the delta ``{"v": text}``. Call this method only for a delta that :meth:`grow` would apply."""
        self._more.append(text)

    def grows_in(self, holder: Any) -> bool:
        """Return whether ``holder`` (an array or an object) contains the text that :meth:`grow` would append to."""
        return self._growing is not None and self._growing[0] is holder

    def _settle(self) -> None:
        assert self._growing is not None
        holder, key = self._growing
        holder[key] = joined(holder[key], "".join(self._more))
        self._more = []

    def apply(self, delta: dict[str, Any]) -> Any:
        """Apply the next delta. Return the whole value of its channel.

        :raises DeltaError: the delta does not fit the current value.
        """
        if self._more:
            self._settle()
        self._growing = None
        try:
            # The value is copied, because later deltas must not change the event.
            value = copied(delta.get("v"))
        except RecursionError:
            raise DeltaError("nested too deeply") from None
        channel = delta.get("c", self._channel)
        if isinstance(channel, (dict, list)):
            raise DeltaError("a delta's channel is not a number")
        self._channel = channel
        self._carry_over(delta, value)
        self._changes = 0
        try:
            self._change(self._path, self._operation, value)
        except RecursionError:  # Patches are nested too deeply.
            raise DeltaError("nested too deeply") from None
        if (path := self._grown(value)) is not None and isinstance(_get(self.value, path), str):
            self._growing = _find(self.value, path)
        return self.value

    def _carry_over(self, delta: dict[str, Any], value: Any) -> None:
        """Set the current path and operation from the delta. A missing field is taken from the previous delta."""
        if "p" not in delta and "o" not in delta:
            self._restart(value)
        elif "o" not in delta and self._operation == "patch" and not isinstance(value, list):
            self._operation = self._before_patch
        self._operation = delta.get("o", self._operation)
        if self._operation != "patch":
            self._before_patch = self._operation
        if self._operation == "patch" and "o" in delta:
            self._path = delta.get("p", "")  # A patch without a path applies to the whole value.
        else:
            self._path = delta.get("p", self._path)

    def _grown(self, value: Any) -> str | None:
        """If the newest delta appended to a text, return the path of this text, else None.

        The result is a path if the delta is an ``append``, or a patch whose only change is an ``append``.
        """
        path, operation = self._path, self._operation
        if operation == "patch" and isinstance(value, list) and len(value) == 1:
            (item,) = value
            path, operation, value = path + item.get("p", ""), item.get("o"), item.get("v")
        return path if operation == "append" and isinstance(value, str) and path else None

    def _restart(self, value: Any) -> None:
        """Set the path and the operation for a delta that has neither. The previous ones apply, except in these cases.

        * If ``value`` contains a whole message, ``value`` starts a new message.
        * If ``value`` is a text, and the previous delta was a patch or a whole message, ``value`` is appended to the text that
          the last ``append`` changed. If that text does not exist any more, ``value`` is appended to the text of the message.

        These rules are uncertain, because descriptions of the encoding contradict each other about these cases.
        """
        if isinstance(value, dict) and isinstance(value.get("message"), dict):
            self._path, self._operation = "", "add"
        elif isinstance(value, str) and (self._operation == "patch" or self._path == ""):
            paths = (self._text_path, *_TEXTS)
            path = next((path for path in paths if isinstance(_get(self.value, path), str)), None)
            if path is not None:
                self._path, self._operation = path, "append"

    def _change(self, path: Any, operation: Any, value: Any) -> None:
        if not isinstance(path, str):
            raise DeltaError("a delta's path is not a text")
        if operation == "patch":
            self._patch(path, value)
        elif path == "":
            self._values[self._channel] = _changed_root(self.value, operation, value)
        else:
            try:
                _change_member(self.value, path, operation, value)
            except DeltaError:
                if not path.startswith(_METADATA):
                    raise
        if operation == "append" and isinstance(value, str):
            self._text_path = path

    def _patch(self, path: str, items: Any) -> None:
        """Apply the changes of a patch in order. The path of each change is relative to the path of the patch.

        A change without a path applies to the path of the patch. A change without an operation is an error.
        """
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise DeltaError(f"patch at {path!r}: not a list of changes")
        self._changes += len(items)
        if self._changes > _MAX_CHANGES:
            raise DeltaError(f"a delta has more than {_MAX_CHANGES} changes")
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
    """Return the object or array that contains the value at a path, and the key or index of the value in this container."""
    if not path.startswith("/"):
        raise DeltaError(f"{path!r} is not a path")
    if path.count("/") > _MAX_STEPS:
        raise DeltaError(f"a path has more than {_MAX_STEPS} steps")
    *steps, last = (step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    holder = root
    for step in steps:
        key = _key(holder, step, path)
        if not _is_there(holder, key):
            raise DeltaError(f"{path!r} does not exist")
        holder = holder[key]
    return holder, _key(holder, last, path)


def _get(root: Any, path: str) -> Any:
    """Return the value at a path, or None if the path does not exist."""
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
    raise DeltaError(f"{path!r} does not exist")


def _is_there(holder: Any, key: Any) -> bool:
    if isinstance(holder, dict):
        return key in holder
    return key is not _END and key < len(holder)


def _check_there(holder: Any, key: Any, path: str, operation: Any) -> None:
    if not _is_there(holder, key):
        raise DeltaError(f"{operation} at {path!r}: the path does not exist")


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
    """Set a member of an object or an item of an array. If a member is missing, add it. A new item is added only at the end."""
    if isinstance(holder, dict) or _is_there(holder, key):
        holder[key] = value
    elif key is _END or key == len(holder):
        holder.append(value)
    else:
        raise DeltaError(f"{path!r} does not exist")


def _changed(old: Any, path: str, operation: Any, value: Any) -> Any:
    """Return the result of ``append`` or ``truncate`` on an existing value.

    :raises DeltaError: the operation is unknown, or the values have the wrong types.
    """
    if operation == "append":
        return _appended(old, value, path)
    if operation == "truncate":
        if isinstance(old, (str, list)) and isinstance(value, int) and value >= 0:
            return old[:value] if isinstance(old, list) else _cut(old, value)
        raise DeltaError(f"truncate at {path!r}: the value is not a length, or the target has none")
    raise DeltaError(f"{operation!r} at {path!r} is not an operation of the encoding")


def _appended(old: Any, value: Any, path: str) -> Any:
    if isinstance(old, str) and isinstance(value, str):
        return joined(old, value)
    if isinstance(old, list):
        old.extend(value if isinstance(value, list) else [value])
        return old
    if isinstance(old, dict) and isinstance(value, dict):
        old.update(value)
        return old
    if old is None:
        return value
    raise DeltaError(f"append at {path!r}: {type(value).__name__} to {type(old).__name__}")


def _cut(text: str, length: int) -> str:
    """Return the first ``length`` UTF-16 code units of a text. The site counts in these units, like JavaScript."""
    if text.isascii():
        return text[:length]
    return text.encode("utf-16-le", "surrogatepass")[: 2 * length].decode("utf-16-le", "surrogatepass")


def joined(text: str, more: str) -> str:
    """Return the concatenation of two pieces of a text. A surrogate pair that was split between them becomes one character."""
    whole = text + more
    if not contains_any(SURROGATES, more):
        return whole
    return whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def copied(value: Any) -> Any:
    """Return a deep copy of a JSON value. This function is faster than :func:`copy.deepcopy`, which supports all types."""
    if isinstance(value, dict):
        return {key: copied(member) for key, member in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
