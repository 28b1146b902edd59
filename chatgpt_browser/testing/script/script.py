"""`Script`: selects the step that answers a request, from queues, recordings, rules and a default reply."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .scripted import Scripted, Turn, as_step, remember

if TYPE_CHECKING:
    from .steps import SessionAnswer, Step


#: A function of a recording that returns the recorded step for a message, or None at the end of the recording. Its argument is
#: the text of the message.
NextStep = Callable[[str], "Step | None"]


@dataclass
class Rule:
    """A reply for all messages that match a pattern. The number of messages may be limited."""

    pattern: re.Pattern[str]
    reply: Scripted
    #: The number of messages that the rule may still answer; None: no limit.
    left: int | None

    def take(self, turn: Turn) -> re.Match[str] | None:
        """Return the match of the pattern if this rule answers the message, else None. A match reduces `left` by one."""
        if self.left == 0 or (match := self.pattern.search(turn.message)) is None:
            return None
        if self.left is not None:
            self.left -= 1

        return match


class Script:
    """The steps that answer messages, and the steps that answer other requests by their path.

    The step for a message comes from the first of these sources that has a step: the queue, the recordings (oldest first), the
    rules that match the message (newest first), and the default reply.
    """

    def __init__(self, queue: Sequence[Scripted], reply: Scripted | None) -> None:
        #: The default reply; it answers the messages that nothing else answers.
        self.reply: Scripted = remember if reply is None else reply
        self._lock = threading.Lock()
        self._queue = deque(queue)
        self._recordings: deque[NextStep] = deque()
        self._rules: list[Rule] = []
        self._by_path: list[tuple[str, deque[SessionAnswer]]] = []

    def extend(self, items: Sequence[Scripted]) -> None:
        """Append items to the queue for messages."""
        with self._lock:
            self._queue.extend(items)

    def add_recording(self, next_step: NextStep) -> None:
        """Add a recording. It answers messages when the queue is empty and all earlier recordings have ended."""
        with self._lock:
            self._recordings.append(next_step)

    def add_rule(self, pattern: str | re.Pattern[str], reply: Scripted, times: int | None) -> None:
        """Add a rule for messages that contain a text or match a compiled pattern. The rule takes precedence over earlier rules.

        :param times: the maximum number of messages that the rule answers; None: no limit.
        :raises ValueError: if `times` is less than one.
        """
        if times is not None and times < 1:
            raise ValueError(f"times must be one or more, or None for always, not {times}")

        compiled = re.compile(re.escape(pattern)) if isinstance(pattern, str) else pattern
        with self._lock:
            self._rules.insert(0, Rule(compiled, reply, times))

    def extend_path(self, suffix: str, answers: Sequence[SessionAnswer]) -> None:
        """Add a queue of answers for the requests whose path ends with `suffix`. Each answer is used once."""
        with self._lock:
            self._by_path.append((suffix, deque(answers)))

    def next_for_path(self, path: str) -> SessionAnswer | None:
        """Remove the next queued answer for a path and return it. If no answer is queued, return None."""
        with self._lock:
            for suffix, answers in self._by_path:
                if answers and path.endswith(suffix):
                    return answers.popleft()

        return None

    async def next_step(self, turn: Turn) -> Step:
        """Return the step that answers this message. A step from the queue or from a recording is used only once."""
        with self._lock:
            scripted, match = self._select(turn)

        return await as_step(scripted, turn if match is None else replace(turn, match=match))

    def _select(self, turn: Turn) -> tuple[Scripted, re.Match[str] | None]:
        if self._queue:
            return self._queue.popleft(), None

        while self._recordings:
            if (step := self._recordings[0](turn.message)) is not None:
                return step, None
            self._recordings.popleft()

        for rule in self._rules:
            if (match := rule.take(turn)) is not None:
                return rule.reply, match

        return self.reply, None
