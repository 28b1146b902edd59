"""What is asked of the server: a message that says in JSON what its reply is to be, so that one server serves every row."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["BenchmarkError", "Script"]

PIECE = "word "


class BenchmarkError(Exception):
    """A client gave something else than what the server sent: its times mean nothing."""


@dataclass(frozen=True)
class Script:
    """A reply of so many events; `interval` is the milliseconds between them."""

    events: int
    interval: float = 0
    #: Whether the first piece is the server's clock when the reply began: see `lateness`.
    stamped: bool = False
    #: The form of the events: `whole`, each with the whole text so far, or `delta`, each with what it adds.
    encoding: Literal["whole", "delta"] = "whole"

    def to_message(self) -> str:
        """The message that asks for this reply."""
        return json.dumps(asdict(self))

    @classmethod
    def from_message(cls, message: str) -> Script:
        """What a message asks for."""
        return cls(**json.loads(message))

    def pieces(self, now: float) -> list[str]:
        """What each event adds to the text."""
        first = f"{now:.6f} " if self.stamped else PIECE
        return [first, *[PIECE] * (self.events - 1)]

    def check(self, who: str, text: str, count: int) -> None:
        """See that nothing was lost.

        :raises BenchmarkError: the text is another, or the callback was not called for every event.
        """
        began = float(text.partition(" ")[0]) if self.stamped and text[:1].isdigit() else 0.0
        if text != "".join(self.pieces(began)):
            raise BenchmarkError(f"{who}: of {self.events} events came another text: {text[:60]!r}")
        if count != self.events:
            raise BenchmarkError(f"{who}: the callback was called {count} times for {self.events} events")

    def lateness(self, text: str, arrivals: list[float]) -> list[float]:
        """By how many seconds each event of a stamped reply reached its callback after it was due at the server.

        Due, not sent: the server keeps an absolute schedule, so what it is late itself counts against whoever is being
        measured, in the same way for every client. A browser that takes the processor from the server next to it would
        look good by the time of sending, while its user waits. The clock is the system's monotonic one, which is the same
        for all processes of a machine (not so on Windows before 3.13, by some microseconds).
        """
        began = float(text.partition(" ")[0])
        return [arrival - began - index * self.interval / 1000 for index, arrival in enumerate(arrivals)]
