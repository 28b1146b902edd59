"""Replays what a `Recorder` wrote down: the same events, at their own times or at once, with ids that fit in here."""

from __future__ import annotations

import json
import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..script.pace import Schedule
from ..script.responses import Answer
from .recorder import FORM, with_text
from .scrubber import PLACEHOLDER, text_parts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from ..script.steps import Step
    from ..server.response_writer import Wire

_EVENT_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]


@dataclass(frozen=True)
class Recorded:
    """A reply as it was recorded: its events, each with the seconds since its message came, and how it ended."""

    events: list[tuple[float, dict[str, Any]]]
    end: str
    ended_at: float
    #: How many times faster than it was; None: without any waiting.
    speed: float | None
    #: Which id stands here for which of the recording; the steps of one recording share it.
    ids: dict[str, str] = field(repr=False)

    def lives_on_as(self, conversation_id: str, message_id: str) -> None:
        """Say what the conversation and the user's message are called here."""
        for _, event in self.events:
            message = event.get("message")
            if isinstance(event.get("conversation_id"), str):
                self.ids[event["conversation_id"]] = conversation_id
            if isinstance(message, dict) and _role(message) == "user":
                self.ids[str(message.get("id"))] = message_id

    def renamed(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event with the ids that stand for its own here."""
        text = PLACEHOLDER.sub(
            lambda match: self.ids.setdefault(match[0], str(uuid.uuid4())), json.dumps(event)
        )
        renamed: dict[str, Any] = json.loads(text)
        return renamed


async def play_recorded(step: Recorded, wire: Wire, commit: Callable[[str, str], None]) -> None:
    """Send it all; `commit` is told the id of each message of the assistant's, and its text so far."""
    await wire.head(200, _EVENT_STREAM)
    schedule = Schedule()
    for at, recorded in step.events:
        event = step.renamed(recorded)
        await schedule.wait_until(None if step.speed is None else at / step.speed)
        await wire.chunk(
            b"data: " + json.dumps(event, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"
        )
        wire.record.events_sent += 1
        message, parts = event.get("message"), text_parts(event)
        if isinstance(message, dict) and parts is not None and _role(message) == "assistant":
            commit(str(message.get("id")), "".join(part for part in parts if isinstance(part, str)))

    await schedule.wait_until(None if step.speed is None else step.ended_at / step.speed)
    if step.end in ("stalled", "left"):
        await wire.stall()
    elif step.end == "broken":
        await wire.drop()
    else:
        await wire.end(b'data: {"message": {"id"\n\n' if step.end == "garbled" else b"data: [DONE]\n\n")


class Replay:
    """The steps of a recording, one for each message, whatever its text."""

    def __init__(self, steps: list[tuple[str, Step]]) -> None:
        self._left = deque(steps)
        self._refused: tuple[str, Step] | None = None
        self._sent = ""

    def next_step(self, message: str) -> Step | None:
        """What answers this message; None when the recording is over.

        A message that was refused may come again at once, sent by the client itself: the recording knows of the last
        refusal alone, so that is given to all of them, unless the recording goes on with the same message.
        """
        if self._refused is not None and message == self._sent:
            text, step = self._refused
            if not self._left or self._left[0][0] != text:
                return step
        if not self._left:
            return None

        text, step = self._left.popleft()
        self._refused = (text, step) if isinstance(step, Answer) else None
        self._sent = message
        return step


def read_recording(path: str | os.PathLike[str], speed: float | None) -> Replay:
    """Read what a `Recorder` wrote.

    :raises ValueError: if it is no recording, or `speed` is not above nought.
    :raises OSError: if it can't be read.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"speed must be above nought, or None for no waiting, not {speed}")

    try:
        lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
        if lines[0]["recording"] != FORM:
            raise ValueError(f"of another form, {lines[0]['recording']}")
        return Replay(_steps(lines, speed))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is no recording that can be read: {error!r}") from error


def _steps(lines: list[dict[str, Any]], speed: float | None) -> list[tuple[str, Step]]:
    steps: list[tuple[str, Step]] = []
    ids: dict[str, str] = {}
    events: list[tuple[float, dict[str, Any]]] = []
    message = ""
    for line in lines:
        if "message" in line:
            message, events = line["message"], []
        elif "event" in line:
            events.append((line["at"], line["event"]))
        elif "append" in line:
            before = events[-1][1]
            text = before["message"]["content"]["parts"][0] + line["append"]
            events.append((line["at"], with_text(before, text)))
        elif "answer" in line:
            answer = line["answer"]
            steps.append((message, Answer(answer["status"], answer["body"], [*answer["headers"].items()])))
        elif line.get("end") == "challenge":
            steps.append((message, Answer.challenge()))
        elif "end" in line:
            steps.append((message, Recorded(events, line["end"], line["at"], speed, ids)))

    return steps


def _role(message: dict[str, Any]) -> Any:
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")
