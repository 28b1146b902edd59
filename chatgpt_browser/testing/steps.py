"""Steps: what the server does with one request. Plain data; `playback` puts them on the wire."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from .answers import Answer

if TYPE_CHECKING:
    from .gate import Gate, Hold
    from .records import RecordedRequest


class _Sentinel(enum.Enum):
    BREAK = "BREAK"

    def __repr__(self) -> str:
        return self.name


#: An item of `RawBody.chunks`: drop the connection here, in the middle of the body.
BREAK: Final = _Sentinel.BREAK


@dataclass(frozen=True)
class Reply:
    """A streamed reply in the site's form: one event for each piece, each with the whole text so far.

    `hold_after` and `break_after` count the events of the reply itself: neither the repeated user's message
    nor pings count.

    :raises ValueError: for a `hold_after` without a `gate`, or an `interval` below nought.
    """

    #: The whole reply; ignored where `pieces` are given.
    text: str = "Hello! How can I help you today?"
    #: How the text is cut; None cuts it word by word, white space kept.
    pieces: Sequence[str] | None = field(default=None, kw_only=True)
    #: Milliseconds between events, on an absolute schedule: a late event does not delay the next ones.
    interval: float = field(default=0, kw_only=True)
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

    def __post_init__(self) -> None:
        if self.hold_after is not None and self.gate is None:
            raise ValueError("hold_after needs a gate to hold at")
        if self.interval < 0:
            raise ValueError(f"interval must not be negative: {self.interval}")


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


@dataclass(frozen=True)
class Turn:
    """One user message, as a callable `reply` sees it."""

    message: str
    #: (role, text) of the messages before it, oldest first, along the chain of parents.
    history: list[tuple[str, str]]
    conversation_id: str
    #: Which user message of this conversation it is; the first is 1.
    number: int
    model: str
    request: RecordedRequest


Step = Reply | RawBody | Answer | Stall | Break
#: What `script` and `reply` take: a text, a step, or a callable that gives either.
Scripted = str | Step | Callable[[Turn], str | Step]


def as_step(scripted: Scripted, turn: Turn) -> Step:
    """Make a step of a scripted item, calling it if it is a callable.

    :raises TypeError: if it is, or gives, something else.
    """
    made: Any = scripted(turn) if callable(scripted) else scripted
    if isinstance(made, str):
        return Reply(made)
    if isinstance(made, (Reply, RawBody, Answer, Stall, Break)):
        return made
    raise TypeError(f"a reply must be a str or a step, not {type(made).__name__}")


def remember(turn: Turn) -> str:
    """The default reply: says what it was told, and what it was told before."""
    before = [text for role, text in turn.history if role == "user"]
    reply = f'You said: "{_shorten(turn.message)}".'
    if before:
        reply += f' Before that you said: "{_shorten(before[-1])}".'

    return reply


def _shorten(text: str, limit: int = 200) -> str:
    # The site's events repeat the whole text so far, so an echo of a long message grows with its square.
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
