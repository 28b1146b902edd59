"""The steps. Each step is a dataclass that describes the server's response to one request."""

from __future__ import annotations

import enum
import json
import re
import uuid
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from .gate import Hold
from .reply_parts import check_citations
from .responses import Answer
from .sent_files import SentFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from .gate import Gate
    from .reply_parts import Citation, Thought, ToolCall
    from .rest import Rest
    from .side_messages import Aside


class _Sentinel(enum.Enum):
    """The type of :data:`BREAK`."""

    BREAK = "BREAK"

    def __repr__(self) -> str:
        return self.name


#: An item of `RawBody.chunks`: the server breaks the connection at this point of the body.
BREAK: Final = _Sentinel.BREAK


#: The pattern of the placeholders that replace IDs in a recording. The last group of digits is a counter.
PLACEHOLDER = re.compile(r"00000000-0000-4000-8000-[0-9a-f]{12}")
_WORDS = re.compile(r"\s*\S+|\s+")

#: The format of the events of a reply. `whole`: each event contains the whole text so far, as on the site in 2022. `delta`:
#: each event contains only the change.
Encoding = Literal["whole", "delta"]


@dataclass(frozen=True)
class Pace:
    """The rate at which events are sent, in events per second or in characters per second.

    The times of the events are fixed in advance: if one event is late, the following events are still on time.

    The first event is sent without waiting. If the rate is in characters, the time between two events depends on the length of
    the text that the second event adds.

        >>> FakeChatGPT(pace=Pace(characters=400))

    :raises ValueError: if both rates are missing, if both are given, or if the rate is not greater than zero.
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
        """Return the pace that sends one event per interval. If the interval is zero, return None."""
        return cls(events=1000 / milliseconds) if milliseconds else None

    def due(self, events: int, characters: int) -> float:
        """Return the time at which the next event is due, in seconds after the first event.

        :param events: the number of events before the next event.
        :param characters: the length of the text that all events after the first event add, including the next event.
        """
        return events / self.events if self.events is not None else characters / (self.characters or 1)


@dataclass(frozen=True)
class Reply:
    """A streamed reply, in one of the site's two formats. Each piece of its text is sent in one event.

    `hold_after`, `break_after` and `handoff_after` count only the events of the answer. They do not count the events with
    the user's own message, side messages or pings.

    :raises TypeError: if `text` is not a text, or if an option that takes a list, such as `citations`, is a text.
    :raises ValueError: if `hold_after` is given without `gate`, if `interval` is negative, if both `interval` and `pace` are
        given, or if the marks of `citations` cannot be inserted into the text.
    """

    #: The whole text of the answer; ignored if `pieces` is given.
    text: str = "Hello! How can I help you today?"
    #: The text in pieces. None: each word of `text` is a piece, together with the white space before the word. An iterator
    #: (asynchronous or not) is read while the reply is sent. After the last piece of an iterator, the server sends one
    #: more event with an empty piece, which ends the answer.
    pieces: Sequence[str] | Iterator[str] | AsyncIterator[str] | None = field(default=None, kw_only=True)
    #: Milliseconds between events. The times are fixed in advance: if one event is late, the following events are still on
    #: time.
    interval: float = field(default=0, kw_only=True)
    #: The rate of the events. If both `pace` and `interval` are missing, the `pace` of the `FakeChatGPT` applies.
    pace: Pace | None = field(default=None, kw_only=True)
    #: The line ending of the event stream.
    newline: Literal["\n", "\r\n", "\r"] = field(default="\n", kw_only=True)
    #: True: the last event is `data: [DONE]`.
    done: bool = field(default=True, kw_only=True)
    #: True: the reply begins as on the site: with the user's own message (in the format `whole`), or with a system message and
    #: the user's own message (in the format `delta`).
    echo_user: bool = field(default=True, kw_only=True)
    #: True: the server sends a comment line (`: ping - …`) before the first event and after each event of the answer.
    comments: bool = field(default=False, kw_only=True)
    #: True: the server sends an event with empty data before the first event and after each event of the answer.
    empty_data: bool = field(default=False, kw_only=True)
    #: True: the server sends an event of type `ping`, whose data is a time, before the first event and after each event of
    #: the answer.
    ping_events: bool = field(default=False, kw_only=True)
    #: True: the server sends a moderation event after the last piece. This event has no `message`.
    moderation: bool = field(default=False, kw_only=True)
    #: If given, the site retracts the answer: after the last piece, the server sends a moderation event whose message is this
    #: text. The answer is then not marked as complete.
    withheld: str | None = field(default=None, kw_only=True)
    #: True: the server sends each byte of the body separately.
    byte_by_byte: bool = field(default=False, kw_only=True)
    #: True: in the JSON, `\uXXXX` replaces each character that is not ASCII.
    ensure_ascii: bool = field(default=False, kw_only=True)
    #: The number of events that the server sends before it waits at `gate`. If the answer has fewer events, the server waits
    #: after the last event of the answer.
    hold_after: int | None = field(default=None, kw_only=True)
    #: The gate at which the server waits; see `hold_after`.
    gate: Gate | None = field(default=None, kw_only=True)
    #: The number of events that the server sends before it breaks the connection. If the answer has fewer events, the connection
    #: breaks after the last event of the answer.
    break_after: int | None = field(default=None, kw_only=True)
    #: The state of the stored answer after the connection broke or the client disconnected. True: the answer continues, and each
    #: GET of the conversation returns one more piece of its text. False: the answer remains incomplete.
    continues: bool = field(default=False, kw_only=True)
    #: True: the last event of the answer contains its final status: `finished_successfully` if `finish` is `stop`, otherwise
    #: `finished_partial_completion`. False: the status remains `in_progress`.
    final_status: bool = field(default=True, kw_only=True)
    #: The reason why the answer ends. `stop`: the answer is complete. `max_tokens`: the answer was cut at the maximum length.
    #: `interrupted`: the answer was stopped before its end.
    finish: Literal["stop", "max_tokens", "interrupted"] = field(default="stop", kw_only=True)
    #: If given, an event with this `error` follows the last piece. The answer is then not marked as complete. In the format
    #: `whole`, a text becomes the field `message` of an object, as on the site.
    error: str | dict[str, Any] | None = field(default=None, kw_only=True)
    #: Bytes that the server sends after `[DONE]`.
    after_done: bytes = field(default=b"", kw_only=True)
    #: True: after the last byte, the server keeps the stream open until the client disconnects or the server closes.
    hang_after_done: bool = field(default=False, kw_only=True)
    #: The format of the events. If it is None, the `encoding` of the `FakeChatGPT` applies.
    encoding: Encoding | None = field(default=None, kw_only=True)
    #: Side messages, which are sent before the answer, one after another.
    asides: Sequence[Aside] = field(default=(), kw_only=True)
    #: Files, which are sent before the answer. The link to a file of the code interpreter is appended to `text`.
    files: Sequence[SentFile] = field(default=(), kw_only=True)
    #: The `channel` field of the answer. The site sets this field if a reply has several messages.
    channel: str | None = field(default=None, kw_only=True)
    #: False: the reply has no answer, only side messages.
    has_answer: bool = field(default=True, kw_only=True)
    #: True: the response is not a stream, but a JSON object with the address of a WebSocket. Without `rest`, the client can get
    #: the answer only from the conversation: each GET of the conversation returns one more piece of the answer's text.
    as_json: bool = field(default=False, kw_only=True)
    #: The number of events that the server sends before it ends the stream with a hand-off. Without `rest`, each later GET of the
    #: conversation returns one more piece of the answer.
    handoff_after: int | None = field(default=None, kw_only=True)
    #: The way in which the page of the web application gets the rest of the answer, after a hand-off (`handoff_after`), a break
    #: (`break_after`) or a response of JSON (`as_json`). If `rest` is given, the stored answer grows at the pace of the reply,
    #: not with each GET of the conversation. None: the page gets the rest only from the conversation.
    rest: Rest | None = field(default=None, kw_only=True)
    #: The text of an alternative answer to the same message; the site shows the two answers side by side. The alternative is sent
    #: before the answer. In the stored conversation, the alternative is the newest message.
    alternative: str | None = field(default=None, kw_only=True)
    #: The sources that the answer cites: URLs or `Citation` objects.
    citations: Sequence[str | Citation] = field(default=(), kw_only=True)
    #: The thoughts of the model before the answer: summaries or `Thought` objects. Their messages come before those of `asides`.
    thoughts: Sequence[str | Thought] = field(default=(), kw_only=True)
    #: The calls of tools before the answer: inputs of the tool `python` or `ToolCall` objects.
    tool_calls: Sequence[str | ToolCall] = field(default=(), kw_only=True)

    def __repr__(self) -> str:
        """Return the text, and the options that differ from their defaults."""
        options = [
            f"{each.name}={getattr(self, each.name)!r}" for each in fields(self)[1:] if self._is_set(each)
        ]
        return f"Reply({', '.join([repr(self.text), *options])})"

    def _is_set(self, option: Field[Any]) -> bool:
        value = getattr(self, option.name)
        return value is not option.default and value != option.default

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TypeError(f"the text of a Reply must be a str, not {type(self.text).__name__}")
        for name in ("citations", "thoughts", "tool_calls", "files", "asides"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a list, not a str")
        for file in self.files:
            if not isinstance(file, SentFile):
                raise TypeError(f"a file of a Reply must be a SentFile, not {type(file).__name__}")
        check_citations(self.citations, self.text, self.pieces)
        if self.hold_after is not None and self.gate is None:
            raise ValueError("hold_after needs a gate to hold at")
        if self.interval < 0:
            raise ValueError(f"interval must not be negative: {self.interval}")
        if self.interval and self.pace is not None:
            raise ValueError("Reply accepts an interval or a pace, not both")


@dataclass(frozen=True)
class Recorded:
    """A recorded reply: its events, the time of each event, and how the reply ended."""

    #: The events as pairs: (seconds after the message was sent, event).
    events: list[tuple[float, dict[str, Any]]]
    #: The kind of end. `done`: the reply ended with `[DONE]`. `stalled`: the server stopped sending. `garbled`: the reply ended
    #: with an event that is not valid JSON. `broken`: the connection broke. `left`: the client disconnected; such a reply is
    #: replayed like a reply whose end is `stalled`.
    end: str
    #: The end of the reply, in seconds after the message was sent.
    ended_at: float
    #: The speed of the replay: 2 is twice as fast as the recording. If it is None, the replay never waits.
    speed: float | None
    #: Maps each ID in the recording to the ID that replaces it on this server. All steps of one recording share this dict.
    ids: dict[str, str] = field(repr=False)
    #: The format of the events.
    encoding: Encoding = field(default="whole", kw_only=True)
    #: The ID and the text of the complete answer, which the replay stores in the conversation. None: the replay reads the answer
    #: from the events.
    final: tuple[str, str] | None = field(default=None, kw_only=True)

    def assign_ids(self, conversation_id: str, message_id: str) -> None:
        """Store the IDs that replace the recorded IDs of the conversation and of the user's message.

        :param conversation_id: the ID of the conversation on this server.
        :param message_id: the ID of the user's message on this server.
        """
        for _, sent in self.events:
            # In a delta that adds a message, `v` has the same form as an event of the older format.
            event = sent["v"] if isinstance(sent.get("v"), dict) else sent
            message = event.get("message", event.get("input_message"))
            if isinstance(event.get("conversation_id"), str):
                self.ids[event["conversation_id"]] = conversation_id
            if isinstance(message, dict) and role_of(message) == "user":
                self.ids[str(message.get("id"))] = message_id

    def renamed(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of an event in which IDs of this server replace the placeholders."""
        renamed: dict[str, Any] = json.loads(self.renamed_text(json.dumps(event)))
        return renamed

    def renamed_text(self, text: str) -> str:
        """Return a copy of a text in which IDs of this server replace the placeholders."""
        return PLACEHOLDER.sub(lambda found: self.ids.setdefault(found[0], str(uuid.uuid4())), text)


@dataclass(frozen=True)
class RawBody:
    """A response body in chunks. Each chunk is sent separately and unchanged. This step adds no message to a conversation.

    :raises TypeError: if an item of `chunks` is neither bytes, `BREAK` nor a `Hold`.
    """

    #: The items of the body: bytes to send, `BREAK` (break the connection), or `Hold(gate)` (wait at the gate). Bytes alone are
    #: sent in one chunk.
    chunks: bytes | Sequence[bytes | Literal[_Sentinel.BREAK] | Hold]
    content_type: str = field(default="text/event-stream; charset=utf-8", kw_only=True)
    #: Milliseconds between chunks. The times are fixed in advance: if one chunk is late, the following chunks are still on time.
    interval: float = field(default=0, kw_only=True)
    status: int = field(default=200, kw_only=True)

    def __post_init__(self) -> None:
        items = [self.chunks] if isinstance(self.chunks, (bytes, str)) else self.chunks
        for item in items:
            if not (isinstance(item, (bytes, Hold)) or item is BREAK):
                raise TypeError(f"RawBody takes bytes, BREAK or Hold(gate), not {type(item).__name__}")

    @property
    def items(self) -> Sequence[bytes | Literal[_Sentinel.BREAK] | Hold]:
        """The items of the body, as a sequence."""
        return [self.chunks] if isinstance(self.chunks, bytes) else self.chunks


@dataclass(frozen=True)
class Stall:
    """A response that ends only when the client disconnects, the server closes or `gate` opens.

    After the gate has opened, the response ends with status 200 and an empty body.
    """

    #: True: the server sends the status and the headers only when the gate opens, so without a gate never. False: it sends them
    #: at once.
    before_head: bool = False
    gate: Gate | None = None


@dataclass(frozen=True)
class Break:
    """A step without a response: the server breaks the connection."""

    #: The delay before the connection breaks: a number of milliseconds, or a gate. With a gate, the server waits until the gate
    #: opens.
    after: Gate | float = 0


#: A step describes the server's response to one request.
Step = Reply | Recorded | RawBody | Answer | Stall | Break

SessionState = Literal["alive", "signed_out", "refresh_error", "challenge"]
#: The response to `GET /api/auth/session`: the name of a state of the session, or a step that describes the response.
SessionAnswer = SessionState | Step


def check_session_answer(answer: SessionAnswer) -> SessionAnswer:
    """Return the answer unchanged if it is valid.

    :raises ValueError: if the answer is a text that is not a `SessionState`.
    """
    if isinstance(answer, str) and answer not in get_args(SessionState):
        raise ValueError(f"session_answer must be a step or one of {get_args(SessionState)}, not {answer!r}")

    return answer


def split_words(text: str) -> list[str]:
    """Return the words of a text, each with the white space before it. For an empty text, return `[""]`."""
    return _WORDS.findall(text) or [""]


def role_of(message: dict[str, Any]) -> Any:
    """Return the role of a message.

    The newer format has the role in `author`, the older format in `role`.
    """
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")
