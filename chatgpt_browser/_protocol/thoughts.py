"""Reads the model's thoughts from the messages of a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.reply import Thought
from .message import content_type_of, hidden_text, message_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The maximum duration that is accepted, in seconds: about 30 years. A longer one is an error of the site.
_MAX_SECONDS = 1e9


def find_thoughts(messages: Iterable[dict[str, Any]]) -> list[Thought]:
    """Return the thoughts in the messages of a reply, oldest first.

    A recap is a message that states how long the model has thought. This duration is stored in the newest thought before the
    recap. If there is no thought since the previous recap, the recap itself becomes a thought.
    """
    thoughts: list[Thought] = []
    first = 0  # The index of the first thought after the previous recap.
    for message in messages:
        if is_recap(message):
            seconds, text = recap_seconds(message), hidden_text(message)
            if len(thoughts) > first:
                thoughts[-1] = Thought(thoughts[-1].summary, thoughts[-1].text, seconds)
            elif text or seconds is not None:
                thoughts.append(Thought(text, "", seconds))
            first = len(thoughts)
        elif content_type_of(message) == "thoughts":
            thoughts += read_thoughts(message)
    return thoughts


def read_thoughts(message: dict[str, Any]) -> list[Thought]:
    """Return the thoughts in a message of the type ``thoughts``. Thoughts without a text are left out."""
    found = message["content"].get("thoughts")
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    thoughts = [Thought(_text(item.get("summary")), _content(item)) for item in items]
    return [thought for thought in thoughts if thought.summary or thought.text]


def thinking_text(message: dict[str, Any]) -> str:
    """Return the thoughts of a message as one text, for a caller that shows the thoughts while they grow."""
    parts = [part for thought in read_thoughts(message) for part in (thought.summary, thought.text) if part]
    return "\n\n".join(parts)


def is_recap(message: dict[str, Any]) -> bool:
    """Return whether a message states how long the model has thought."""
    kind = content_type_of(message)
    return isinstance(kind, str) and kind == "reasoning_recap"


def recap_seconds(message: dict[str, Any]) -> float | None:
    """Return the duration that a recap states, in seconds, or None if the recap states no plausible duration."""
    seconds = message_metadata(message).get("finished_duration_sec")
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return None
    return float(seconds) if 0 <= seconds < _MAX_SECONDS else None


def _content(item: dict[str, Any]) -> str:
    chunks = item.get("chunks")
    pieces = [chunk for chunk in chunks if isinstance(chunk, str)] if isinstance(chunks, list) else []
    return _text(item.get("content")) or "".join(pieces)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
