"""Steps: what the server does with one request. Plain data; `playback` puts them on the wire."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from ..recording.replay import Recorded
from .responses import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from .gate import Gate, Hold
    from .pace import Pace
    from .side_messages import Aside


class _Sentinel(enum.Enum):
    BREAK = "BREAK"

    def __repr__(self) -> str:
        return self.name


#: An item of `RawBody.chunks`: drop the connection here, in the middle of the body.
BREAK: Final = _Sentinel.BREAK


#: `whole`: each event holds the whole text so far, as in 2022. `delta`: each says what has changed.
Encoding = Literal["whole", "delta"]


@dataclass(frozen=True)
class Reply:
    """A streamed reply in one of the site's two forms: one event for each piece.

    `hold_after` and `break_after` count the events of the reply itself: neither the repeated user's message
    nor asides nor pings count.

    :raises ValueError: for a `hold_after` without a `gate`, an `interval` below nought, or one beside a `pace`.
    """

    #: The whole reply; ignored where `pieces` are given.
    text: str = "Hello! How can I help you today?"
    #: How the text is cut; None cuts it word by word, white space kept. What gives its pieces only when it is asked
    #: for them (an iterator, asynchronous or not) has one event more, which says that the reply has ended.
    pieces: Sequence[str] | Iterator[str] | AsyncIterator[str] | None = field(default=None, kw_only=True)
    #: Milliseconds between events, on an absolute schedule: a late event does not delay the next ones.
    interval: float = field(default=0, kw_only=True)
    #: The same as a rate; None, without an `interval` either, is the server's own pace.
    pace: Pace | None = field(default=None, kw_only=True)
    newline: Literal["\n", "\r\n", "\r"] = field(default="\n", kw_only=True)
    #: Whether `data: [DONE]` comes last.
    done: bool = field(default=True, kw_only=True)
    #: Whether a system message and the user's own message are repeated first, as the site does.
    echo_user: bool = field(default=True, kw_only=True)
    #: Send a comment line (`: ping - …`) before the first event and after every one.
    comments: bool = field(default=False, kw_only=True)
    #: Send an event with empty data before the first event and after every one.
    empty_data: bool = field(default=False, kw_only=True)
    #: Send a moderation event, which has no `message`, after the last piece.
    moderation: bool = field(default=False, kw_only=True)
    #: Each byte of the body goes out on its own.
    byte_by_byte: bool = field(default=False, kw_only=True)
    #: Write everything outside ASCII as `\uXXXX`.
    ensure_ascii: bool = field(default=False, kw_only=True)
    #: Wait at `gate` once that many events have gone out; a number past the last one waits before `[DONE]`.
    hold_after: int | None = field(default=None, kw_only=True)
    gate: Gate | None = field(default=None, kw_only=True)
    #: Drop the connection once that many events have gone out.
    break_after: int | None = field(default=None, kw_only=True)
    #: Whether the last event says `finished_successfully` and `end_turn: true`.
    final_status: bool = field(default=True, kw_only=True)
    #: The text of an `error` event that comes after the pieces; then there is no final status.
    error: str | None = field(default=None, kw_only=True)
    #: Bytes that come after `[DONE]`.
    after_done: bytes = field(default=b"", kw_only=True)
    #: Keep the stream open at its end, until the client leaves or the server closes.
    hang_after_done: bool = field(default=False, kw_only=True)
    #: The form of the events; None: the server's.
    encoding: Encoding | None = field(default=None, kw_only=True)
    #: Messages that come before the answer, each whole before the next begins.
    asides: Sequence[Aside] = field(default=(), kw_only=True)
    #: The answer's channel. The site names one where there are several messages.
    channel: str | None = field(default=None, kw_only=True)
    #: End the stream after that many events and say that the rest is to be had elsewhere. Each look at the conversation
    #: then finds one piece more.
    handoff_after: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.hold_after is not None and self.gate is None:
            raise ValueError("hold_after needs a gate to hold at")
        if self.interval < 0:
            raise ValueError(f"interval must not be negative: {self.interval}")
        if self.interval and self.pace is not None:
            raise ValueError("a reply has an interval or a pace, not both")


@dataclass(frozen=True)
class RawBody:
    """A body sent as it is: each item of `chunks` goes out on its own.

    Items are bytes, `BREAK` (drop the connection) and `Hold(gate)` (wait). Nothing of it enters the conversation.
    """

    chunks: Sequence[bytes | Literal[_Sentinel.BREAK] | Hold]
    content_type: str = field(default="text/event-stream; charset=utf-8", kw_only=True)
    #: Milliseconds between chunks, on an absolute schedule.
    interval: float = field(default=0, kw_only=True)
    status: int = field(default=200, kw_only=True)


@dataclass(frozen=True)
class Stall:
    """Takes the request and says nothing until the client leaves, the server closes or `gate` opens.

    When the gate opens, the response ends: status 200 and an empty body.
    """

    #: True keeps back the status line and headers too.
    before_head: bool = False
    gate: Gate | None = None


@dataclass(frozen=True)
class Break:
    """Drops the connection without any response, at once, at a gate, or after so many milliseconds."""

    after: Gate | float = 0


Step = Reply | Recorded | RawBody | Answer | Stall | Break
