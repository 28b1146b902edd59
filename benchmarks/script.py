"""Messages that describe the wanted reply in JSON, so that one server serves all rows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["BenchmarkError", "Script"]

PIECE = "word "
#: A reply in Markdown, which is repeated and sent in pieces of 20 characters.
MARKDOWN = """\
## A heading of some words

A paragraph with **bold words**, some `code` and a [link](https://site.example/a). It has a second sentence, too.

- A first item with **bold words**: an explanation
- A second item with `code` and more words

```python
def f(x):
    return x + 1
```

"""


class BenchmarkError(Exception):
    """A client returned something else than the server sent, so its times are worthless."""


@dataclass(frozen=True)
class Script:
    """A reply with `events` events, `interval` milliseconds apart."""

    events: int
    interval: float = 0
    #: True if the first piece is the server's time at the start of the reply: see `lateness`.
    stamped: bool = False
    #: The format of the events: `whole` (the whole text so far) or `delta` (the added text).
    encoding: Literal["whole", "delta"] = "whole"

    #: True if the reply is Markdown instead of one line of words.
    markdown: bool = False

    def to_message(self) -> str:
        """The message that requests this reply."""
        return json.dumps(asdict(self))

    @classmethod
    def from_message(cls, message: str) -> Script:
        """Return the script in a message."""
        return cls(**json.loads(message))

    def pieces(self, now: float) -> list[str]:
        """Return the text that each event adds."""
        if self.markdown:
            text = (MARKDOWN * (20 * self.events // len(MARKDOWN) + 1))[: 20 * self.events]
            return [text[start : start + 20] for start in range(0, len(text), 20)]
        first = f"{now:.6f} " if self.stamped else PIECE
        return [first, *[PIECE] * (self.events - 1)]

    def check(self, who: str, text: str, count: int) -> None:
        """Check that the reply is complete.

        :raises BenchmarkError: the text differs, or the callback was not called for each event.
        """
        began = float(text.partition(" ")[0]) if self.stamped and text[:1].isdigit() else 0.0
        if text != "".join(self.pieces(began)):
            raise BenchmarkError(f"{who}: the text of {self.events} events is wrong: {text[:60]!r}")
        if count != self.events:
            raise BenchmarkError(f"{who}: the callback was called {count} times for {self.events} events")

    def lateness(self, text: str, arrivals: list[float]) -> list[float]:
        """Return the delay of each event of a stamped reply in seconds: from its due time at the server to its callback.

        The due time is used instead of the time of sending. The server has an absolute schedule, so its own lateness counts
        for each client in the same way. Measured from the time of sending, a browser that takes CPU time from the server
        would look good while its user waits. All processes of a machine share the system's monotonic clock (on Windows
        before Python 3.13, with a difference of some microseconds).
        """
        began = float(text.partition(" ")[0])
        return [arrival - began - index * self.interval / 1000 for index, arrival in enumerate(arrivals)]
