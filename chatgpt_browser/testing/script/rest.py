"""`Rest`: the way in which the web application's page gets the events that are missing from the response to a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rest:
    """The way in which the page gets the rest of a reply whose response ends early. `Rest` requires `form="app"`.

    The response ends early because of a hand-off (`Reply.handoff_after`) or a break (`Reply.break_after`), or because it is JSON
    (`Reply.as_json`).

    The server adds the rest to the stored conversation at the pace of the reply. At the same time, it offers the rest to the
    page, through a WebSocket or as the response to another request:

        >>> Reply(text, handoff_after=3, rest=Rest("socket"))
        >>> Reply(text, break_after=3, rest=Rest("resume"))

    :raises ValueError: if `via` is unknown.
    """

    #: `socket`: the page subscribes to a topic of its WebSocket. `resume`: the page requests the rest with
    #: `POST f/conversation/resume`. After a break, only `resume` is possible. After a JSON response, only `socket` is possible.
    via: Literal["socket", "resume"]
    #: Applies only after a hand-off. True: the page gets all events of the reply again. False: the page gets only the events that
    #: it has not read yet.
    repeats: bool = True
    #: After this number of the answer's events, the WebSocket closes or the resumed response breaks. None: neither happens.
    ends_after: int | None = None

    def __post_init__(self) -> None:
        if self.via not in ("socket", "resume"):
            raise ValueError(f"via must be 'socket' or 'resume', not {self.via!r}")
