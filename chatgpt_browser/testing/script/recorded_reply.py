"""`Recorded`: the step that replays one reply of a recording."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

#: The placeholders that replace IDs in a recording; the last group is a counter.
PLACEHOLDER = re.compile(r"00000000-0000-4000-8000-[0-9a-f]{12}")


@dataclass(frozen=True)
class Recorded:
    """A recorded reply: its events with their times, and the way in which it ended."""

    #: (seconds since the message was sent, event) pairs.
    events: list[tuple[float, dict[str, Any]]]
    #: `done`, `stalled`, `garbled`, `broken` or `left`.
    end: str
    #: Seconds between the message and the end of the reply.
    ended_at: float
    #: A factor for the speed of the replay; None: without any waiting.
    speed: float | None
    #: The IDs on this server by the IDs in the recording; all steps of one recording share the dict.
    ids: dict[str, str] = field(repr=False)

    def assign_ids(self, conversation_id: str, message_id: str) -> None:
        """Set the IDs that the conversation and the user's message have on this server."""
        for _, event in self.events:
            message = event.get("message")
            if isinstance(event.get("conversation_id"), str):
                self.ids[event["conversation_id"]] = conversation_id
            if isinstance(message, dict) and role_of(message) == "user":
                self.ids[str(message.get("id"))] = message_id

    def renamed(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event with its placeholders replaced by IDs of this server."""
        text = PLACEHOLDER.sub(
            lambda match: self.ids.setdefault(match[0], str(uuid.uuid4())), json.dumps(event)
        )
        renamed: dict[str, Any] = json.loads(text)
        return renamed


def role_of(message: dict[str, Any]) -> Any:
    """Return the role of a message in the older or the newer format."""
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")
