"""What the messages are answered with: a queue, rules about the text, and a standing reply."""

from __future__ import annotations

import inspect
import re
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..recording.replay import Recorded
from .responses import Answer
from .steps import Break, RawBody, Reply, Stall, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..data.recorded_request import RecordedRequest
    from ..recording.replay import Replay


@dataclass(frozen=True)
class Turn:
    """One user message, as a callable reply sees it."""

    message: str
    #: (role, text) of the messages before it, oldest first, along the chain of parents.
    history: list[tuple[str, str]]
    conversation_id: str
    #: Which user message of this conversation it is; the first is 1.
    number: int
    model: str
    request: RecordedRequest
    #: What a rule's pattern found in the message; None where no pattern brought it here.
    match: re.Match[str] | None = field(default=None, kw_only=True)


#: What a callable reply gives: a text, a step, or the text in pieces as they come.
Made = str | Step | Iterator[str] | AsyncIterator[str]
#: What `script`, `when` and `reply` take: a text, a step, or a function that gives either, or pieces. It may be
#: asynchronous or a generator, or both, and runs on the server's thread: to wait, it has to be asynchronous.
Scripted = str | Step | Callable[[Turn], Made | Awaitable[Made]]


async def as_step(scripted: Scripted, turn: Turn) -> Step:
    """Make a step of a scripted item, calling it if it is a callable.

    :raises TypeError: if it is, or gives, something else.
    """
    made: Any = scripted(turn) if callable(scripted) else scripted
    if inspect.isawaitable(made):
        made = await made
    if isinstance(made, str):
        return Reply(made)
    if isinstance(made, (Reply, Recorded, RawBody, Answer, Stall, Break)):
        return made
    if isinstance(made, (Iterator, AsyncIterator)):
        return Reply(pieces=made)
    raise TypeError(f"a reply must be a str, a step, or an iterator of pieces, not {type(made).__name__}")


@dataclass
class Rule:
    """A reply to the messages in which a pattern is found; `left` is how many more, None: all."""

    pattern: re.Pattern[str]
    reply: Scripted
    left: int | None

    def take(self, turn: Turn) -> re.Match[str] | None:
        """What it finds in a message, if that is one to be answered by this rule."""
        if self.left == 0 or (match := self.pattern.search(turn.message)) is None:
            return None
        if self.left is not None:
            self.left -= 1

        return match


class Script:
    """Says what comes next: first the queue, then a recording, then the newest rule that fits, then the standing reply."""

    def __init__(self, queue: Sequence[Scripted], reply: Scripted | None) -> None:
        self.reply: Scripted = remember if reply is None else reply
        self._lock = threading.Lock()
        self._queue = deque(queue)
        self._replays: deque[Replay] = deque()
        self._rules: list[Rule] = []

    def extend(self, items: Sequence[Scripted]) -> None:
        """Append to the queue."""
        with self._lock:
            self._queue.extend(items)

    def add_replay(self, replay: Replay) -> None:
        """Answer messages from a recording, once the queue is empty."""
        with self._lock:
            self._replays.append(replay)

    def add_rule(self, pattern: str | re.Pattern[str], reply: Scripted, times: int | None) -> None:
        """Answer messages that hold a text, or in which a compiled pattern is found.

        :raises ValueError: for `times` below one.
        """
        if times is not None and times < 1:
            raise ValueError(f"times must be one or more, or None for always, not {times}")

        compiled = re.compile(re.escape(pattern)) if isinstance(pattern, str) else pattern
        with self._lock:
            self._rules.insert(0, Rule(compiled, reply, times))

    async def next_step(self, turn: Turn) -> Step:
        """Take the step that answers this message."""
        with self._lock:
            scripted, match = self._choose(turn)

        return await as_step(scripted, turn if match is None else replace(turn, match=match))

    def _choose(self, turn: Turn) -> tuple[Scripted, re.Match[str] | None]:
        if self._queue:
            return self._queue.popleft(), None

        while self._replays:
            if (step := self._replays[0].next_step(turn.message)) is not None:
                return step, None
            self._replays.popleft()

        for rule in self._rules:
            if (match := rule.take(turn)) is not None:
                return rule.reply, match

        return self.reply, None


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
