"""`EventRecorder`: collects the events of one reply."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .event_text import appended_text, text_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .scrubber import Scrubber


class EventRecorder:
    """The event callback of a client: stores each event and then calls the caller's own callback.

    The events stay in memory until the reply has ended, because only the complete text shows which parts are secret.
    """

    def __init__(self, scrubber: Scrubber, callback: Callable[[Any], Any] | None) -> None:
        #: (seconds since the message was sent, event) pairs.
        self.events: list[tuple[float, dict[str, Any]]] = []
        self._scrubber = scrubber
        self._callback = callback
        self._started_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since the message was sent."""
        return round(time.monotonic() - self._started_at, 4)

    def __call__(self, event: dict[str, Any]) -> Any:
        """Store an event."""
        # For the delta format: the message that results from the deltas so far.
        whole = getattr(event, "whole", None)
        self.events.append((self.seconds, dict(event if whole is None else whole)))
        return None if self._callback is None else self._callback(event)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the recording, without secrets."""
        self._find_secrets()
        previous: dict[str, Any] = {}
        for at, event in self.events:
            scrubbed = self._scrubber.event(event)
            appended = appended_text(previous, scrubbed)
            yield {**({"event": scrubbed} if appended is None else {"append": appended}), "at": at}
            previous = scrubbed

    def _find_secrets(self) -> None:
        """Search the complete texts for secrets, so that earlier events do not contain their beginnings."""
        texts = ["".join(filter(_is_text, text_parts(event) or ())) for _, event in self.events]
        for text, following in zip(texts, [*texts[1:], ""], strict=False):
            if not following.startswith(text):
                self._scrubber.find_secrets(text)


def _is_text(part: Any) -> bool:
    return isinstance(part, str)
