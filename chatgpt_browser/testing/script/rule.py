"""`Rule`: a reply for the messages that match a pattern. `Call`: one message that a rule has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .pattern import Condition, Pattern, as_pattern
from .scripted import check_scripted

if TYPE_CHECKING:
    import re

    from ..data.recorded_request import RecordedRequest
    from .scripted import Scripted, Turn


@dataclass(frozen=True)
class Call:
    """One message of a user. `str(call)` is the text of the message."""

    text: str
    #: The request that sent the message.
    request: RecordedRequest

    def __str__(self) -> str:
        return self.text


class Rule:
    """A reply for the messages that match a pattern, and a list of the messages that were answered with this reply.

    `FakeChatGPT.when` creates rules; its docstring describes the parameters.
    """

    def __init__(
        self, pattern: Condition | Pattern, reply: Scripted, *, times: int | None, optional: bool
    ) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times must be one or more, or None for always, not {times}")

        check_scripted(reply)
        self.pattern: Pattern = as_pattern(pattern)
        self.reply = reply
        #: The maximum number of messages that the rule answers. None: no limit.
        self.times = times
        #: True: `FakeChatGPT.assert_all_used` accepts that the rule has answered no message.
        self.optional = optional
        self._calls: list[Call] = []

    def __repr__(self) -> str:
        return f"<Rule {self.pattern!r}, {self.call_count} calls>"

    @property
    def called(self) -> bool:
        """True if the rule has answered a message."""
        return bool(self._calls)

    @property
    def call_count(self) -> int:
        """The number of messages that the rule has answered."""
        return len(self._calls)

    @property
    def calls(self) -> list[Call]:
        """The messages that the rule has answered, oldest first. The list is a copy."""
        return [*self._calls]

    @property
    def last_call(self) -> Call | None:
        """The newest message that the rule has answered. None: the rule has answered no message."""
        return self._calls[-1] if self._calls else None

    @property
    def is_exhausted(self) -> bool:
        """True if the rule has answered `times` messages."""
        return self.times is not None and self.call_count >= self.times

    def take(self, turn: Turn) -> re.Match[str] | bool:
        """Return False if this rule does not answer the message. Otherwise, record a call and return the match object.

        If the pattern has no match object, for example because it is a function that returns a bool, return True instead.
        """
        if self.is_exhausted or not (found := self.pattern.search(turn)):
            return False

        self._calls.append(Call(turn.message, turn.request))
        return found
