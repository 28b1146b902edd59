"""Data types that several modules use. A field that may contain a secret is not part of the repr."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .message_options import MessageOptions
from .public import public_type

if TYPE_CHECKING:
    from datetime import datetime

    from .errors import ChatGPTError


#: A function that is called before a message is sent. Its argument is the id of the message, or None.
BeforeSend = Callable[["str | None"], "Awaitable[None] | None"]


@dataclass(frozen=True)
class Prompt:
    """A message to send, the ids of its conversation and of the message before it, and its options.

    ``before_send`` is called directly before each attempt to send the message. Its argument is the id that the message will have
    at the site, or None if the site chooses the id. An awaitable result of ``before_send`` is awaited. If ``before_send`` raises
    an exception, nothing is sent. ``queued_at`` is the time at which the message began to wait for its turn to be sent, in
    seconds since the epoch.
    """

    text: str = field(repr=False)
    conversation_id: str | None = None
    parent_message_id: str | None = None
    options: MessageOptions = MessageOptions()
    before_send: BeforeSend | None = field(default=None, repr=False, compare=False)
    queued_at: float = field(default_factory=time.time, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the text and the ids.

        :raises TypeError: the text or an id is not a str.
        :raises ValueError: an id is empty.
        """
        if not isinstance(self.text, str):
            raise TypeError(f"a message must be a str, not {type(self.text).__name__}")
        for name in ("conversation_id", "parent_message_id"):
            check_id(name, getattr(self, name))


class QuestionRef(NamedTuple):
    """The ids that identify a question in a stored conversation. If an id is unknown, its field is None.

    ``parent_message_id`` is the id of the message before the question.
    """

    conversation_id: str | None = None
    question_id: str | None = None
    parent_message_id: str | None = None


def check_id(name: str, value: object) -> None:
    """Check that the value of an argument is an id or None. Error messages contain ``name``, the name of the argument.

    :raises TypeError: the value is neither a str nor None.
    :raises ValueError: the value is an empty str.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if value == "":
        raise ValueError(f"{name} must not be empty; pass None to leave it out")


@public_type
@dataclass(frozen=True)
class BatchMessage:
    """One message for :meth:`AsyncChatGPTAPI.send_many`.

    * ``conversation`` may be any name. Messages with the same name are sent in order in one conversation: each message is sent
      after the reply to the previous message. Messages without a name are grouped by ``conversation_id`` in the same way.
    * If ``model`` is None, the client's model is used.
    * ``id`` is not sent to the site. The caller may use it to identify the message.
    """

    text: str = field(repr=False)
    id: str | None = None
    conversation: str | None = None
    conversation_id: str | None = None
    parent_message_id: str | None = None
    model: str | None = None


@public_type
@dataclass(frozen=True)
class BatchResult:
    """The result of one message of :meth:`AsyncChatGPTAPI.send_many`: its reply, or its error.

    ``index`` is the message's position in the input, starting with 0. ``conversation_id`` and ``message_id`` are the ids of the
    reply. To continue the conversation, pass these ids with the next message. ``seconds`` is the time that the message took,
    without the pauses for rate limits. ``job_id`` is the id of the message's job, or None if the message was not sent.
    """

    index: int
    message: BatchMessage
    reply: str | None = field(default=None, repr=False)
    error: ChatGPTError | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    seconds: float = 0.0
    job_id: str | None = None


class BatchSettings(NamedTuple):
    """The settings of a batch of messages.

    ``batch_id`` is the name of the batch in the job store. If ``retry_failed`` is True, the messages that failed in an earlier
    run are sent again. ``retry_uncertain`` is for messages that ended with a :class:`JobUncertainError` in an earlier run. If it
    is True, the client looks for each of these messages at the site, and sends the message again if it is not found.
    """

    batch_id: str | None = None
    retry_failed: bool = False
    retry_uncertain: bool = False

    def check(self) -> None:
        """Check the settings.

        :raises TypeError: ``batch_id`` is not a str.
        :raises ValueError: ``batch_id`` is empty, or is missing although another setting needs it.
        """
        check_id("batch_id", self.batch_id)
        for name in ("retry_failed", "retry_uncertain"):
            if getattr(self, name) and self.batch_id is None:
                raise ValueError(f"{name} needs batch_id, which names the batch of the earlier run")


@dataclass(frozen=True)
class Request:
    """A request that the page sends with ``fetch``.

    If ``stream`` is True and the response is a stream of server-sent events, the response is read as events. If ``download`` is
    True, the body of a successful response is read as bytes. In all other cases, the body is read as text. The URL of a download
    must have the origin of the page. ``credentials`` states whether the browser sends the cookies of the URL's origin.
    """

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: str | None = field(default=None, repr=False)
    stream: bool = False
    download: bool = False
    credentials: Literal["same-origin", "omit"] = "same-origin"


@dataclass(frozen=True)
class Head:
    """The status and the headers of a response. The headers contain no secret, because the browser removes ``Set-Cookie``."""

    status: int
    status_text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    redirected: bool = False

    @property
    def ok(self) -> bool:
        """True if the status is a success (200 to 299)."""
        return 200 <= self.status < 300

    @property
    def is_document(self) -> bool:
        """True if the body is HTML or JSON, not a stream of events."""
        return self.is_html or "json" in self.headers.get("content-type", "").lower()

    @property
    def is_html(self) -> bool:
        """True if the body is HTML."""
        return "html" in self.headers.get("content-type", "").lower()


@dataclass(frozen=True)
class Response:
    """A response with its whole body."""

    head: Head
    text: str = field(repr=False)


@public_type
@dataclass(frozen=True)
class User:
    """The user of a session. A field that the site did not send is None or an empty tuple."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    image: str | None = None
    picture: str | None = None
    groups: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


@public_type
@dataclass(frozen=True)
class Session:
    """The response of the session endpoint.

    ``expires`` is the time at which the session (not the access token) ends, as a datetime with a time zone. If the response
    contains no such time, ``expires`` is None. ``raw`` is the whole response.
    """

    user: User
    expires: datetime | None
    access_token: str = field(repr=False)
    raw: dict[str, Any] = field(repr=False, default_factory=dict)


@public_type
class ConversationEvent(dict[str, Any]):
    """One event of a reply, as the site sent it: a dict.

    The value of ``whole`` depends on the event:

    * The event contains only a change of a message (in the newer format of the stream): ``whole`` is a dict with the result of
      all changes so far, ``{"message", "conversation_id", "error", …}``. You may change this dict, because it is a copy.
    * The event contains a whole message: ``whole`` is the event itself.
    * The event is not about a message: it has a ``"type"``, and ``whole`` is None.
    """

    def __init__(self, event: dict[str, Any], *, whole: dict[str, Any] | None = None) -> None:
        super().__init__(event)
        self._whole = whole

    @property
    def whole(self) -> dict[str, Any] | None:
        """A dict with the whole message so far, or None if the event is not about a message."""
        return self if self._whole is None and "message" in self else self._whole
