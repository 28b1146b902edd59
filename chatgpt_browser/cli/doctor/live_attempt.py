"""The record of one message that `doctor --live` sent. The record does not include the text of the reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatgpt_browser import APIStatusError, AuthenticationError, ChatGPTError, PageError

from .anonymization import anonymize_message, shape_of

if TYPE_CHECKING:
    from chatgpt_browser import ConversationEvent

#: The record contains the shapes of the first 40 events and of the last 10 events. (`shape_of` removes the contents.)
FIRST, LAST = 40, 10


@dataclass
class LiveAttempt:
    """The record of one message: its outcome, the shapes of its events, and a description of the page."""

    outcome: str = "not tried"
    message: str = ""
    status: int | None = None
    code: str | None = None
    count: int = 0
    first: list[Any] = field(default_factory=list)
    last: list[Any] = field(default_factory=list)
    elements: list[Any] = field(default_factory=list)
    #: The entries of :mod:`.site_ui.selectors` that matched the page.
    matches: list[dict[str, str]] = field(default_factory=list)
    conversation_id: str | None = field(default=None, repr=False)

    def record_event(self, event: ConversationEvent) -> None:
        """Record an event without its contents. If the event contains a conversation id, store this id."""
        self.count += 1
        value = (event.whole or event).get("conversation_id")
        self.conversation_id = value if isinstance(value, str) and value else self.conversation_id
        shape = shape_of(dict(event))
        if self.count <= FIRST:
            self.first.append(shape)
        else:
            self.last = [*self.last, shape][-LAST:]

    def record_error(self, error: ChatGPTError) -> None:
        """Record an error that `send_message` raised."""
        self.outcome, self.message = type(error).__name__, anonymize_message(error)
        if isinstance(error, (APIStatusError, AuthenticationError)):
            self.status = error.status_code
        if isinstance(error, APIStatusError) and error.code is not None:
            self.code = shape_of(error.code, "type")
        if isinstance(error, PageError):
            self.elements, self.matches = list(error.elements), list(error.matches)

    @property
    def form(self) -> str:
        """The form of the reply's events: "deltas" if they contain changes, "whole events" if they contain whole messages."""
        shapes = [*self.first, *self.last]
        return "deltas" if any("message" not in each and "v" in each for each in shapes) else "whole events"

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON-serialisable dict. It contains neither the messages nor the replies."""
        events = {"count": self.count, "first": self.first, "last": self.last}
        record: dict[str, Any] = {"outcome": self.outcome, "message": self.message}
        if self.status is not None:
            record |= {"status": self.status, "code": self.code}
        return {**record, "events": events, "page": self.elements, "selectors": self.matches}
