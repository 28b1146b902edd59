"""`Script`: selects the step that answers a request, from queues, recordings, rules and a default reply."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from .leftover import LONGEST_TEXT, Leftover, call_site, count, nearest, short
from .responses import Answer
from .rule import Call, Rule
from .scripted import Scripted, Turn, as_step, check_scripted, remember

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .pattern import Pattern
    from .steps import SessionAnswer, Step

_T = TypeVar("_T")


class Recording(Protocol):
    """A recording that answers messages."""

    def next_step(self, message: str) -> Step | None:
        """Return the recorded step for a message with this text, or None at the end of the recording."""
        ...

    def leftovers(self, title: str, asked: Sequence[str]) -> Iterator[Leftover]:
        """Report the recorded steps that were not used, and the messages of the test that the recording does not contain.

        :param title: the name of the recording in the reports.
        :param asked: the texts of all messages that the server has received.
        """
        ...


@dataclass(frozen=True)
class _Sourced(Generic[_T]):
    """A part of the script, the call that added the part, and the place of that call in the test."""

    value: _T
    call: str
    place: str

    @property
    def title(self) -> str:
        return f"{self.call} at {self.place}" if self.place else self.call


class Script:
    """The steps that answer messages, and the answers to other requests.

    The step for a message comes from the first of these sources that has a step: the queue for messages, the recordings (oldest
    first), the rules that match the message (newest first), and the default reply. If `strict` is True, there is no default
    reply. The answers to other requests are in separate queues, each for one path.
    """

    def __init__(self, queue: Sequence[Scripted], reply: Scripted | None, *, strict: bool = False) -> None:
        if strict and reply is not None:
            raise ValueError("reply answers every message: leave it out, or leave out strict=True")

        if isinstance(queue, str):
            raise TypeError(
                "replies must be a list of replies, not a str; the option reply takes a single reply"
            )
        for scripted in [*queue, *([] if reply is None else [reply])]:
            check_scripted(scripted)
        #: The default reply; it answers the messages that nothing else answers.
        self.reply: Scripted = remember if reply is None else reply
        self.strict = strict
        self._lock = threading.Lock()
        place = call_site()
        self._queue = deque(_Sourced(item, f"reply {short(item)}", place) for item in queue)
        self._recordings: deque[_Sourced[Recording]] = deque()
        self._rules: list[_Sourced[Rule]] = []
        self._by_path: list[tuple[str, deque[_Sourced[SessionAnswer]]]] = []
        self._asked: list[Turn] = []
        self._unexpected: list[Call] = []

    def extend(self, items: Sequence[Scripted]) -> None:
        """Append items to the queue for messages.

        :raises TypeError: if an item is neither a text, a step nor a function.
        """
        for item in items:
            check_scripted(item)
        place = call_site()
        with self._lock:
            self._queue.extend(_Sourced(item, f"script({short(item)})", place) for item in items)

    def add_recording(self, recording: Recording, call: str, *, place: str | None = None) -> None:
        """Add a recording. It answers messages when the queue is empty and all earlier recordings have ended.

        :param call: the name of the recording in reports, for example `replay('hello.jsonl')`.
        :param place: the place of the call in reports. None: the place at which the test called this package. Empty: no place.
        """
        sourced = _Sourced(recording, call, call_site() if place is None else place)
        with self._lock:
            self._recordings.append(sourced)

    def add_rule(self, rule: Rule) -> None:
        """Add a rule. The rule takes precedence over earlier rules."""
        call = f"when({rule.pattern!r}, {short(rule.reply)})"
        sourced = _Sourced(rule, call, call_site())
        with self._lock:
            self._rules.insert(0, sourced)

    def extend_path(self, suffix: str, answers: Sequence[SessionAnswer], call: str) -> None:
        """Add a queue of answers for the requests whose path ends with `suffix`. Each answer is used once.

        :param call: the name of the method of `FakeChatGPT` that adds the answers.
        """
        place = call_site()
        queue = deque(_Sourced(each, f"{call}({short(each)})", place) for each in answers)
        with self._lock:
            self._by_path.append((suffix, queue))

    def next_for_path(self, path: str) -> SessionAnswer | None:
        """Remove the next queued answer for a path and return it. If no answer is queued, return None."""
        with self._lock:
            for suffix, answers in self._by_path:
                if answers and path.endswith(suffix):
                    return answers.popleft().value

        return None

    async def next_step(self, turn: Turn) -> Step:
        """Return the step that answers this message. A step from the queue or from a recording is used only once."""
        with self._lock:
            self._asked.append(turn)
            scripted, match, source = self._select(turn)

        turn.request.rule = None if source is None else source.title
        return await as_step(scripted, turn if match is None else replace(turn, match=match))

    def _select(self, turn: Turn) -> tuple[Scripted, re.Match[str] | None, _Sourced[Any] | None]:
        """Return the reply, the match of its rule, and the part of the script that contains the reply."""
        if self._queue:
            item = self._queue.popleft()
            return item.value, None, item

        while self._recordings:
            recording = self._recordings[0]
            if (step := recording.value.next_step(turn.message)) is not None:
                return step, None, recording
            self._recordings.popleft()

        for rule in self._rules:
            if found := rule.value.take(turn):
                return rule.value.reply, found if isinstance(found, re.Match) else None, rule

        if not self.strict:
            return self.reply, None, None

        self._unexpected.append(Call(turn.message, turn.request))
        return (
            Answer.error(400, f"FakeChatGPT(strict=True): no rule expects {short(turn.message)}."),
            None,
            None,
        )

    def leftovers(self, refused: Sequence[str] = ()) -> list[Leftover]:
        """Return the unused parts of the script. If the script is strict, also return the messages that no part expected.

        :param refused: for each message that a fault has refused, the name of the fault. The reports on unused rules mention it.
        """
        with self._lock:
            return [
                *self._unused_items(),
                *self._unused_rules(refused),
                *map(self._unexpected_message, self._unexpected),
            ]

    def _unused_items(self) -> Iterator[Leftover]:
        texts = [turn.message for turn in self._asked]
        asked = nearest(texts, lambda text: 0, "message")
        for number, item in enumerate(self._queue, 1):
            yield Leftover(item.title, f"{count(number, 'further message')}", asked)
        for recording in self._recordings:
            yield from recording.value.leftovers(recording.title, texts)
        for suffix, answers in self._by_path:
            for number, answer in enumerate(answers, 1):
                expected = f"{count(number, 'further request')} whose path ends with {suffix!r}"
                yield Leftover(answer.title, expected, "no such request")

    def _unused_rules(self, refused: Sequence[str]) -> Iterator[Leftover]:
        for rule in reversed(self._rules):
            if not (rule.value.called or rule.value.optional):
                pattern = rule.value.pattern
                yield Leftover(rule.title, str(pattern), self._asked_instead(pattern, refused))

    def _asked_instead(self, pattern: Pattern, refused: Sequence[str]) -> str:
        """Describe the message that a test sent where an unused rule expected one.

        This is a message that matches the rule's pattern, but was answered in another way. If there is none, it is the most
        similar message.
        """
        for turn in self._asked:
            if _matches(pattern, turn):
                answered_by = turn.request.rule or "the default reply, before the rule was added"
                return f"{short(turn.message, LONGEST_TEXT)} (answered by {answered_by})"
        asked = nearest([turn.message for turn in self._asked], pattern.similarity, "message")
        faults = " and ".join(map(repr, dict.fromkeys(refused)))
        return asked + f"; {count(len(refused), 'message')} refused by {faults}" * bool(refused)

    def _unexpected_message(self, call: Call) -> Leftover:
        expected = "no message (the script has no rules)"
        if self._rules:
            rule = max(self._rules, key=lambda each: each.value.pattern.similarity(call.text))
            used = f", which has answered {count(rule.value.call_count, 'message')}" * rule.value.is_exhausted
            expected = (
                f"{rule.value.pattern} (the nearest of {count(len(self._rules), 'rule')}: {rule.title}{used})"
            )
        return Leftover("a message that no rule expected", expected, short(call.text, LONGEST_TEXT))


def _matches(pattern: Pattern, turn: Turn) -> bool:
    try:
        return pattern.matches(turn)
    except Exception:  # A test's own function raised it. The report must be written in any case.
        return False
