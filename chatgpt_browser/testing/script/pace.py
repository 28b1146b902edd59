"""`Pace`: the rate at which the events of a reply are sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """A rate in events or characters per second, without jitter: a late event does not delay the following ones.

    The first event is sent at once. With `characters`, each event takes time in proportion to the text that it adds.

        >>> FakeChatGPT(pace=Pace(characters=400))

    :raises ValueError: unless exactly one of the two is given and greater than zero.
    """

    #: Events per second.
    events: float | None = None
    #: Characters per second.
    characters: float | None = None

    def __post_init__(self) -> None:
        given = [rate for rate in (self.events, self.characters) if rate is not None]
        if len(given) != 1 or not given[0] > 0:
            raise ValueError(
                f"Pace needs either events or characters per second, greater than zero, not {self}"
            )

    @classmethod
    def of_interval(cls, milliseconds: float) -> Pace | None:
        """Return the pace of one event per interval, or None for an interval of zero."""
        return cls(events=1000 / milliseconds) if milliseconds else None

    def due(self, events: int, characters: int) -> float:
        """Return the seconds between the first event and one that follows after so many events and characters."""
        return events / self.events if self.events is not None else characters / (self.characters or 1)
