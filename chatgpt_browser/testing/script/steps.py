"""Steps: plain data that describes the server's response to one request."""

from __future__ import annotations

import enum
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from .responses import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from .gate import Gate, Hold
    from .side_messages import Aside


class _Sentinel(enum.Enum):
    BREAK = "BREAK"

    def __repr__(self) -> str:
        return self.name


#: An item of `RawBody.chunks`: break the connection here, in the middle of the body.
BREAK: Final = _Sentinel.BREAK


#: The placeholders that replace IDs in a recording; the last group is a counter.
PLACEHOLDER = re.compile(r"00000000-0000-4000-8000-[0-9a-f]{12}")
_WORDS = re.compile(r"\s*\S+|\s+")

#: The format of reply events. `whole`: each event contains the whole text so far, as in 2022. `delta`: each event
#: contains only the change.
Encoding = Literal["whole", "delta"]


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
            raise ValueError(f"Pace needs either events or characters per second, above zero, not {self}")

    @classmethod
    def of_interval(cls, milliseconds: float) -> Pace | None:
        """Return the pace of one event per interval, or None for an interval of zero."""
        return cls(events=1000 / milliseconds) if milliseconds else None

    def due(self, events: int, characters: int) -> float:
        """Return the seconds from the first event to the event after this number of events and characters."""
        return events / self.events if self.events is not None else characters / (self.characters or 1)


@dataclass(frozen=True)
class Reply:
    """A streamed reply in one of the site's two formats: one event for each piece of its text.

    `hold_after`, `break_after` and `handoff_after` count only the events of the answer: not the repeated user's
    message, side messages or pings. The class only holds options, which is why it has many attributes.

    :raises ValueError: for `hold_after` without `gate`, a negative `interval`, or `interval` together with `pace`.
    """

    #: The whole text; ignored if `pieces` is given.
    text: str = "Hello! How can I help you today?"
    #: The text in pieces; None: one piece per word, with the white space before it. An iterator (asynchronous or not)
    #: is read while the reply is sent; after its last piece comes one more event, which ends the reply.
    pieces: Sequence[str] | Iterator[str] | AsyncIterator[str] | None = field(default=None, kw_only=True)
    #: Milliseconds between events, on an absolute schedule: a late event does not delay the following ones.
    interval: float = field(default=0, kw_only=True)
    #: The rate of the events. If both `pace` and `interval` are missing, the server's own pace applies.
    pace: Pace | None = field(default=None, kw_only=True)
    #: The line ending of the event stream.
    newline: Literal["\n", "\r\n", "\r"] = field(default="\n", kw_only=True)
    #: True: the last event is `data: [DONE]`.
    done: bool = field(default=True, kw_only=True)
    #: True: a system message and the user's own message come first, as on the site.
    echo_user: bool = field(default=True, kw_only=True)
    #: True: a comment line (`: ping - …`) comes before the first event and after each event.
    comments: bool = field(default=False, kw_only=True)
    #: True: an event with empty data comes before the first event and after each event.
    empty_data: bool = field(default=False, kw_only=True)
    #: True: an event of type `ping`, whose data is a time, comes before the first event and after each event.
    ping_events: bool = field(default=False, kw_only=True)
    #: True: a moderation event, which has no `message`, follows the last piece.
    moderation: bool = field(default=False, kw_only=True)
    #: The site's words in a moderation event that withholds the answer: it follows the last piece, and ends the reply.
    withheld: str | None = field(default=None, kw_only=True)
    #: True: each byte of the body is sent separately.
    byte_by_byte: bool = field(default=False, kw_only=True)
    #: True: all characters outside ASCII are written as `\uXXXX`.
    ensure_ascii: bool = field(default=False, kw_only=True)
    #: The number of events to send before waiting at `gate`. If there are fewer events, the server waits before `[DONE]`.
    hold_after: int | None = field(default=None, kw_only=True)
    #: The gate for `hold_after`.
    gate: Gate | None = field(default=None, kw_only=True)
    #: The number of events to send before breaking the connection.
    break_after: int | None = field(default=None, kw_only=True)
    #: True: after the connection has broken, or the client has disconnected, the answer continues in the conversation:
    #: each GET of the conversation returns one more piece. False: it remains incomplete.
    continues: bool = field(default=False, kw_only=True)
    #: True: the last event has `finished_successfully` and `end_turn: true`.
    final_status: bool = field(default=True, kw_only=True)
    #: Why the answer ends: `max_tokens` is an answer that is cut at the maximum length.
    finish: Literal["stop", "max_tokens", "interrupted"] = field(default="stop", kw_only=True)
    #: The `error` of an event that follows the pieces: a text, or an object. The reply then has no final status.
    error: str | dict[str, Any] | None = field(default=None, kw_only=True)
    #: Bytes that follow `[DONE]`.
    after_done: bytes = field(default=b"", kw_only=True)
    #: True: the stream stays open at its end until the client disconnects or the server closes.
    hang_after_done: bool = field(default=False, kw_only=True)
    #: The format of the events; None: the server's.
    encoding: Encoding | None = field(default=None, kw_only=True)
    #: Messages before the answer; each is complete before the next begins.
    asides: Sequence[Aside] = field(default=(), kw_only=True)
    #: The answer's channel. The site sets it if a reply has several messages.
    channel: str | None = field(default=None, kw_only=True)
    #: False: the reply consists of its side messages only.
    has_answer: bool = field(default=True, kw_only=True)
    #: True: the response is a JSON object with the address of a WebSocket, and the whole answer comes elsewhere: as after a
    #: hand-off, each GET of the conversation returns one more piece.
    as_json: bool = field(default=False, kw_only=True)
    #: The number of events to send before ending the stream with a hand-off. After that, each GET of the conversation
    #: returns one more piece of the answer.
    handoff_after: int | None = field(default=None, kw_only=True)
    #: The text of a second answer to the same question, which the site shows beside the answer for comparison. It comes
    #: before the answer, and the stored conversation continues after it.
    alternative: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.hold_after is not None and self.gate is None:
            raise ValueError("hold_after needs a gate to hold at")
        if self.interval < 0:
            raise ValueError(f"interval must not be negative: {self.interval}")
        if self.interval and self.pace is not None:
            raise ValueError("Reply accepts an interval or a pace, not both")


@dataclass(frozen=True)
class Recorded:
    """A recorded reply: its events with their times, and its end."""

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

        def find_id(placeholder: re.Match[str]) -> str:
            return self.ids.setdefault(placeholder[0], str(uuid.uuid4()))

        renamed: dict[str, Any] = json.loads(PLACEHOLDER.sub(find_id, json.dumps(event)))
        return renamed


@dataclass(frozen=True)
class RawBody:
    """A body whose chunks are sent unchanged, each separately. It adds nothing to the conversation."""

    #: Bytes, `BREAK` (break the connection) and `Hold(gate)` (wait).
    chunks: Sequence[bytes | Literal[_Sentinel.BREAK] | Hold]
    content_type: str = field(default="text/event-stream; charset=utf-8", kw_only=True)
    #: Milliseconds between chunks, on an absolute schedule.
    interval: float = field(default=0, kw_only=True)
    status: int = field(default=200, kw_only=True)


@dataclass(frozen=True)
class Stall:
    """Send nothing until the client disconnects, the server closes or `gate` opens.

    When the gate opens, the response ends with status 200 and an empty body.
    """

    #: True: the status line and the headers are not sent either.
    before_head: bool = False
    gate: Gate | None = None


@dataclass(frozen=True)
class Break:
    """Break the connection without any response."""

    #: The delay before that: milliseconds, or a gate to wait at.
    after: Gate | float = 0


#: A description of the server's response to one request.
Step = Reply | Recorded | RawBody | Answer | Stall | Break

SessionState = Literal["alive", "signed_out", "refresh_error", "challenge"]
#: A response of `GET /api/auth/session`: the response for a state of the session, or a step.
SessionAnswer = SessionState | Step


def check_session_answer(answer: SessionAnswer) -> SessionAnswer:
    """Return the answer if it is valid.

    :raises ValueError: if it is an unknown word.
    """
    if isinstance(answer, str) and answer not in get_args(SessionState):
        raise ValueError(f"session_answer must be a step or one of {get_args(SessionState)}, not {answer!r}")

    return answer


def split_words(text: str) -> list[str]:
    """Return the words of a text, each with the white space before it; at least one item."""
    return _WORDS.findall(text) or [""]


def role_of(message: dict[str, Any]) -> Any:
    """Return the role of a message in the older or the newer format."""
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")
