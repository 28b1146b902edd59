"""The content of a request, in the same form for ``/v1/chat/completions`` and ``/v1/responses``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .messages import InputMessage

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Call:
    """A request for one reply.

    ``instructions`` is the request's field with this name; ``messages`` does not contain its text. ``options`` are keyword
    arguments of the client's method ``stream_message``. If ``previous_response_id`` is set, the messages continue the
    conversation of that response.
    """

    model: str
    messages: Sequence[InputMessage] = field(repr=False)
    options: dict[str, Any] = field(default_factory=dict)
    is_stream: bool = False
    instructions: str | None = field(default=None, repr=False)
    previous_response_id: str | None = None
    #: The id that a later request can pass as ``previous_response_id``, or None if the response is not stored.
    response_id: str | None = None

    @property
    def transcript(self) -> list[InputMessage]:
        """All messages. If there are instructions, they are the first message."""
        return [*self.instruction_messages, *self.messages]

    @property
    def instruction_messages(self) -> list[InputMessage]:
        """The instructions as a list with one system message, or an empty list."""
        return [InputMessage("system", self.instructions)] if self.instructions else []
