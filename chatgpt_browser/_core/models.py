"""Plain data that travels between the rooms of this package. Whatever could hold a secret is left out of the repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from .errors import ChatGPTError

__all__ = [
    "QuestionRef",
    "BatchMessage",
    "BatchResult",
    "ConversationEvent",
    "Head",
    "Prompt",
    "Request",
    "Response",
    "Session",
    "User",
    "check_id",
]


@dataclass(frozen=True)
class Prompt:
    """One message to send, with its place in a conversation. ``model`` None is the client's own."""

    text: str = field(repr=False)
    conversation_id: str | None = None
    parent_message_id: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        """See that each is what it says.

        :raises TypeError: one of them is no text.
        :raises ValueError: an id is empty.
        """
        if not isinstance(self.text, str):
            raise TypeError(f"a message must be a str, not {type(self.text).__name__}")
        for name in ("conversation_id", "parent_message_id"):
            check_id(name, getattr(self, name))


class QuestionRef(NamedTuple):
    """How a question is found again: its conversation, its id, and that of the message it was sent after; None where unknown."""

    conversation_id: str | None = None
    question_id: str | None = None
    parent_message_id: str | None = None


def check_id(name: str, value: object) -> None:
    """See that it is an id, or None.

    :raises TypeError: it is no text.
    :raises ValueError: it is empty.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if value == "":
        raise ValueError(f"{name} must not be empty; None leaves it out")


@dataclass(frozen=True)
class BatchMessage:
    """One message of many, for :meth:`AsyncChatGPTAPI.send_many`.

    Those with the same ``conversation``, a name of your own, or else with the same ``conversation_id``, follow each other in
    one conversation: each is sent after the reply to the one before. ``model`` None is the client's own. ``id`` is yours, to
    know the message by.
    """

    text: str = field(repr=False)
    id: str | None = None
    conversation: str | None = None
    conversation_id: str | None = None
    parent_message_id: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class BatchResult:
    """What became of one message of many: its reply, or the error that it ended in.

    ``index`` counts the messages from 0. ``conversation_id`` and ``message_id`` tell where the reply stands, to go on from
    there. ``seconds`` is how long it took, pauses not counted.
    """

    index: int
    message: BatchMessage
    reply: str | None = field(default=None, repr=False)
    error: ChatGPTError | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Request:
    """One in-page fetch. ``stream`` asks for the body as server-sent events where it is some."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: str | None = field(default=None, repr=False)
    stream: bool = False


@dataclass(frozen=True)
class Head:
    """The beginning of an answer. A browser keeps ``Set-Cookie`` from us, so no header here is secret."""

    status: int
    status_text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    redirected: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_document(self) -> bool:
        """Whether the body is a document, and no stream of events."""
        return self.is_html or "json" in self.headers.get("content-type", "").lower()

    @property
    def is_html(self) -> bool:
        return "html" in self.headers.get("content-type", "").lower()


@dataclass(frozen=True)
class Response:
    """A whole answer."""

    head: Head
    text: str = field(repr=False)


@dataclass(frozen=True)
class User:
    """Whose session it is."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    image: str | None = None
    picture: str | None = None
    groups: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """What the session endpoint says: who it is, and until when the session (not the access token) lasts.

    ``expires`` is an aware datetime, or None where the site named none. ``raw`` is the whole answer.
    """

    user: User
    expires: datetime | None
    access_token: str = field(repr=False)
    raw: dict[str, Any] = field(repr=False, default_factory=dict)


class ConversationEvent(dict[str, Any]):
    """One event of a reply, exactly as the site sent it: a dict.

    The newer form of the site's stream sends changes instead of messages. ``whole`` is what they have added up to by this event,
    ``{"message", "conversation_id", "error", …}``, a copy of its own; for an event that holds a message itself it is the
    event, and None for one that is no message's (it has a ``"type"``).
    """

    def __init__(self, event: dict[str, Any], *, whole: dict[str, Any] | None = None) -> None:
        super().__init__(event)
        self._whole = whole

    @property
    def whole(self) -> dict[str, Any] | None:
        """The message as a whole, with what stands around it."""
        return self if self._whole is None and "message" in self else self._whole
