"""`Turn`: the argument of a callable reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    from ..data.recorded_request import RecordedRequest


@dataclass(frozen=True)
class Turn:
    """One user message, as passed to a callable reply."""

    #: The text of the message.
    message: str
    #: (role, text) pairs of the preceding messages in this branch of the conversation, oldest first.
    history: list[tuple[str, str]]
    conversation_id: str
    #: The number of this user message in the conversation, starting with 1.
    number: int
    model: str
    request: RecordedRequest
    #: The match of the rule's pattern in the message; None if the reply does not belong to a rule.
    match: re.Match[str] | None = field(default=None, kw_only=True)
