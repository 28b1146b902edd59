"""`scrub_deltas`: replaces secrets in the deltas of one reply, even if a secret is split between several deltas."""

from __future__ import annotations

import copy
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scrubber import Scrubber

_TEXT_PATH = "/message/content/parts/0"
_FIELDS = frozenset("cpov")


class _Change(NamedTuple):
    """One operation of a delta, for example `append`, with the path in the event at which it is applied.

    `holder` is the delta, or an item of a delta with several operations. `holder["v"]` is the value of the operation.
    """

    channel: Any
    path: str
    operation: str
    holder: dict[str, Any]


class _Piece(NamedTuple):
    """One piece of a growing text. It is stored in `container[key]`."""

    container: Any
    key: Any
    text: str


def scrub_deltas(deltas: list[dict[str, Any]], scrubber: Scrubber) -> list[dict[str, Any]]:
    """Return copies of the deltas of a reply, with their secrets replaced. The number of deltas and their kinds do not change.

    All pieces of one text are joined, the secrets in the text are replaced, and the text is split into pieces again.
    """
    deltas = [_without_secrets_elsewhere(delta, scrubber) for delta in copy.deepcopy(deltas)]
    texts: dict[tuple[Any, int, str], list[_Piece]] = {}
    messages: Counter[Any] = Counter()  # The number of messages in each channel so far.
    for change in _changes(deltas):
        value = change.holder.get("v")
        if change.operation == "append" and isinstance(value, str):
            text = (change.channel, messages[change.channel], change.path)
            texts.setdefault(text, []).append(_Piece(change.holder, "v", value))
        elif change.path == "" and isinstance(value, dict):
            messages[change.channel] += 1
            change.holder["v"] = scrubber.event(value)
            if (first := _first_piece(value, change.holder["v"])) is not None:
                texts[change.channel, messages[change.channel], _TEXT_PATH] = [first]
        elif "v" in change.holder:
            change.holder["v"] = scrubber.value(value, change.path.rpartition("/")[2])

    for pieces in texts.values():
        scrubber.find_secrets("".join(piece.text for piece in pieces))
    for pieces in texts.values():
        _scrub_pieces(pieces, scrubber)
    return deltas


def _without_secrets_elsewhere(delta: dict[str, Any], scrubber: Scrubber) -> dict[str, Any]:
    """Return a copy of the delta. In all fields except `c`, `p`, `o` and `v`, secrets are replaced."""
    return {name: value if name in _FIELDS else scrubber.value(value, name) for name, value in delta.items()}


def _changes(deltas: list[dict[str, Any]]) -> Iterator[_Change]:
    """Yield the changes in the deltas. A channel, path or operation that a delta lacks is taken from the previous delta."""
    channel: Any = 0
    path, operation, text_path = "", "add", _TEXT_PATH
    for delta in deltas:
        channel = delta.get("c", channel)
        value = delta.get("v")
        if "p" not in delta and "o" not in delta and isinstance(value, dict) and "message" in value:
            path, operation = "", "add"
        elif "p" not in delta and "o" not in delta and isinstance(value, str):
            path, operation = text_path, "append"
        else:
            path = delta.get("p", "" if delta.get("o") == "patch" else path)
            operation = delta.get("o", operation)

        if isinstance(value, list) and all(isinstance(item, dict) and "v" in item for item in value):
            changes = [
                _Change(channel, f"{path}{item.get('p', '')}", item.get("o", ""), item) for item in value
            ]
        else:
            changes = [_Change(channel, path, operation, delta)]
        for change in changes:
            if change.operation == "append" and isinstance(change.holder.get("v"), str):
                text_path = change.path
            yield change


def _first_piece(event: dict[str, Any], scrubbed: dict[str, Any]) -> _Piece | None:
    """Return the first piece of a new message's text. Return None if the message has no text."""
    try:
        text = event["message"]["content"]["parts"][0]
        parts = scrubbed["message"]["content"]["parts"]
    except (LookupError, TypeError):
        return None

    return _Piece(parts, 0, text) if isinstance(text, str) else None


def _scrub_pieces(pieces: list[_Piece], scrubber: Scrubber) -> None:
    """Replace the secrets in the text that consists of these pieces."""
    whole = "".join(piece.text for piece in pieces)
    scrubbed = scrubber.text(whole)
    so_far, end = "", 0
    for piece in pieces[:-1]:
        so_far += piece.text
        start, end = end, max(end, _common_length(scrubbed, scrubber.text(so_far)))
        piece.container[piece.key] = scrubbed[start:end]
    last = pieces[-1]
    last.container[last.key] = scrubbed[end:]


def _common_length(whole: str, start: str) -> int:
    """Return the length of the longest common prefix of two texts."""
    return len(start) if whole.startswith(start) else len(os.path.commonprefix([whole, start]))
