"""A whole reply as data: its text, citations, files, thoughts and tool calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from .public import FileT, public_type

if TYPE_CHECKING:
    from datetime import datetime


@public_type
@dataclass(frozen=True)
class Citation:
    """A source that a reply cites.

    ``source`` is the name of the publisher, as the site states this name. ``start`` and ``end`` are the position of the cited
    passage in ``Reply.text``. If the position is unknown, both are None.
    """

    title: str | None
    url: str | None
    source: str | None = None
    start: int | None = None
    end: int | None = None


@public_type
@dataclass(frozen=True)
class Thought:
    """A thought of the model before its answer. ``text`` is empty if the site sent only the summary.

    ``seconds`` is the duration of the thinking, or None if the site did not state a duration for this thought.
    """

    summary: str
    text: str = ""
    seconds: float | None = None


@public_type
@dataclass(frozen=True)
class ToolCall:
    """A call of a tool. ``name`` is the name of the tool, as the site sent it; ``input`` and ``output`` are texts.

    The site sends the input and the outputs of a call as messages. ``status`` is the status of the newest of these messages, as
    the site sent it, or None.
    """

    name: str
    input: str = field(default="", repr=False)
    output: str = field(default="", repr=False)
    status: str | None = None


@public_type
@dataclass(frozen=True)
class Reply(Generic[FileT]):
    """A whole reply. ``str(reply)`` returns the text of the reply.

    ``conversation_id`` and ``message_id`` are the ids that a later message needs to continue the conversation. An id is an empty
    str only if the site has not sent the id.

    ``model`` is the model that answered, and ``effort`` is the effort that the reply states. ``finish_reason`` is ``"stop"``,
    ``"length"``, ``"interrupted"`` or None. ``raw`` is the message as the site sent it.
    """

    text: str = field(repr=False)
    conversation_id: str = ""
    message_id: str = ""
    model: str | None = None
    effort: str | None = None
    finish_reason: str | None = None
    citations: tuple[Citation, ...] = ()
    files: tuple[FileT, ...] = ()
    thoughts: tuple[Thought, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    created_at: datetime | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return self.text
