"""The file format of a recording (JSON Lines), and functions for the text in its events.

The first line is `{"recording": FORMAT_VERSION, "recorded": date}`. Another line, `{"session": …}`, contains the keys of the
session and the types of its values, but not the values. Each message has these lines:

- one line `{"message": text}`,
- for each event of the reply, one line `{"event": {…}, "at": seconds}`, or `{"append": text, "at": seconds}` if the event only
  appends text to the previous event, or `{"delta": {…}, "at": seconds}` if the event is a delta,
- as the last line `{"end": "done" | "stalled" | "garbled" | "broken" | "left" | "challenge", "at": seconds}`, or
  `{"answer": {"status", "body", "headers"}, "at": seconds}` if the site responded with an error.

The value `challenge` of `end` means that the site required a challenge. `Recorded.end` explains the other values.

The last line also has `"final": {"id", "text"}` if the rest of the reply was read from the stored conversation, or if the reply
consists of deltas.

The value of `at` is the time in seconds since the message was sent.
"""

from __future__ import annotations

from typing import Any

FORMAT_VERSION = 1


def text_parts(event: dict[str, Any]) -> list[Any] | None:
    """Return the list `parts`, which contains the text of the message in an event. Return None if the event has no such list."""
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    return parts if isinstance(parts, list) else None


def text_of(event: dict[str, Any]) -> str:
    """Return the text of the message in an event. Return an empty text if there is no message or no text."""
    return "".join(part for part in text_parts(event) or () if isinstance(part, str))


def with_text(event: dict[str, Any], text: str) -> dict[str, Any]:
    """Return a copy of the event in which `text` is the only part of the message."""
    message = event["message"]
    return {**event, "message": {**message, "content": {**message["content"], "parts": [text]}}}


def appended_text(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """Compare two consecutive events, and return the text that the second event appends.

    Return None if the second event differs from the first in any other way.
    """
    old, new = text_parts(before), text_parts(after)
    if not old or not new or len(old) != 1 or len(new) != 1 or not isinstance(old[0], str):
        return None
    if not isinstance(new[0], str) or not new[0].startswith(old[0]):
        return None

    return new[0][len(old[0]) :] if with_text(before, "") == with_text(after, "") else None
