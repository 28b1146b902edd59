"""The format of a recording (JSON Lines), and access to the text in its events.

The first line is `{"recording": FORMAT_VERSION, "recorded": date}`, and a line `{"session": …}` shows the session without
its values. For each message follow:

- `{"message": text}`,
- for each event `{"event": {…}, "at": seconds}`, or `{"append": text, "at": seconds}` if it only appends text,
- `{"end": "done" | "stalled" | "garbled" | "broken" | "left" | "challenge", "at": seconds}`, or
  `{"answer": {"status", "body", "headers"}, "at": seconds}` if the site responded with an error.

Times are counted from the moment when the message was sent.
"""

from __future__ import annotations

from typing import Any

FORMAT_VERSION = 1


def text_parts(event: dict[str, Any]) -> list[Any] | None:
    """Return the parts of an event's message, which contain its text, or None."""
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    return parts if isinstance(parts, list) else None


def text_of(event: dict[str, Any]) -> str:
    """Return the text of an event's message; empty if it has none."""
    return "".join(part for part in text_parts(event) or () if isinstance(part, str))


def with_text(event: dict[str, Any], text: str) -> dict[str, Any]:
    """Return a copy of the event with this text as its only part."""
    message = event["message"]
    return {**event, "message": {**message, "content": {**message["content"], "parts": [text]}}}


def appended_text(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """Return the text that an event appends to the previous one, or None if it changes anything else."""
    old, new = text_parts(before), text_parts(after)
    if not old or not new or len(old) != 1 or len(new) != 1 or not isinstance(old[0], str):
        return None
    if not isinstance(new[0], str) or not new[0].startswith(old[0]):
        return None

    return new[0][len(old[0]) :] if with_text(before, "") == with_text(after, "") else None
