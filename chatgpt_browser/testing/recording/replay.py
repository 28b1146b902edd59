"""`Replay` and `read_recording`. `FakeChatGPT.replay` uses them to read and replay a recording."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..script.leftover import LONGEST_TEXT, Leftover, count, nearest, short
from ..script.pattern import similarity
from ..script.responses import Answer
from ..script.steps import PLACEHOLDER, Encoding, Recorded, Step
from .file_format import FORMAT_VERSION, text_of, with_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

# Matches the text that a `Scrubber` writes instead of a secret or an ID.
_REPLACED = re.compile(
    rf"\[(?:token|email|account|user|secret|access-token|session-token)\]|{PLACEHOLDER.pattern}"
)


class Replay:
    """The steps of a recording. Each message to the server uses one step.

    :param match: True: a message uses the first step that was recorded for the same text. If there is no such step, the message
        is refused. False: the steps are used in order, whatever the texts are, except for retries (see :meth:`next_step`).
    """

    def __init__(self, steps: list[tuple[str, Step]], *, match: bool = False) -> None:
        self._steps = [*steps]
        self._match = match
        self._refused: tuple[str, Step] | None = None
        self._previous_message = ""
        self._unexpected: list[str] = []

    def next_step(self, message: str) -> Step | None:
        """Return the step for the response to this message.

        If no step is left for the message, return None. With `match`, return a refusal instead.

        A client may retry a refused message automatically. The recording contains only the last refusal of the message. So if the
        previous step is a refusal, and the previous message had the same text, return the refusal again. But if the next step was
        also recorded for this text, return the next step.
        """
        if self._refused is not None and message == self._previous_message:
            text, step = self._refused
            if not self._steps or self._steps[0][0] != text:
                return step
        fitting = (number for number, (text, _) in enumerate(self._steps) if self._fits(text, message))
        if (position := next(fitting, None)) is None:
            return self._refuse(message) if self._match else None

        text, step = self._steps.pop(position)
        self._refused = (text, step) if isinstance(step, Answer) else None
        self._previous_message = message
        return step

    def _fits(self, recorded: str, message: str) -> bool:
        return not self._match or _text_pattern(recorded).fullmatch(_one_line(message)) is not None

    def _refuse(self, message: str) -> Step:
        self._unexpected.append(message)
        return Answer.error(400, f"FakeChatGPT: the recording has no message {short(message)}.")

    def leftovers(self, title: str, asked: Sequence[str]) -> Iterator[Leftover]:
        """Report the steps that were not used, and the messages of the test that the recording does not contain.

        :param title: the name of the recording in the reports.
        :param asked: the texts of all messages that the server has received.
        """
        if self._steps and not self._match:
            expected = count(len(self._steps), "further message")
            yield Leftover(title, expected, nearest(asked, lambda text: 0, "message"))
        elif self._match:
            for text, _ in self._steps:
                expected = f"the recorded message {short(text, LONGEST_TEXT)}"
                yield Leftover(
                    title, expected, nearest(asked, functools.partial(similarity, text), "message")
                )
        for message in self._unexpected:
            expected = "no further message"
            if self._steps:
                text = max((text for text, _ in self._steps), key=functools.partial(similarity, message))
                expected = f"the recorded message {short(text, LONGEST_TEXT)} (the nearest)"
            yield Leftover(f"a message that {title} does not contain", expected, short(message, LONGEST_TEXT))


def read_recording(path: str | os.PathLike[str], speed: float | None, *, match: bool = False) -> Replay:
    """Read a file that a `Recorder` has written, and return its replay.

    :param speed: the speed of the replay: 2 is twice as fast as the recording. If it is None, the replay never waits.
    :raises ValueError: the file is not a recording, or `speed` is not greater than zero.
    :raises OSError: the file cannot be read.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"speed must be greater than zero, or None for no waiting, not {speed}")

    try:
        return Replay(_steps(read_lines(path), speed), match=match)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is not a valid recording: {error!r}") from error


def read_lines(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the lines of a recording as JSON objects.

    :raises ValueError: a line is not JSON, the format of the recording is not supported, or a message has no end.
    :raises LookupError: the file is empty, or its first line has no key `recording`.
    :raises TypeError: a line or an event is not a JSON object.
    :raises OSError: the file cannot be read.
    """
    lines = [json.loads(line) for line in Path(path).read_text("utf-8").split("\n") if line]
    if lines[0]["recording"] != FORMAT_VERSION:
        raise ValueError(f"format {lines[0]['recording']} is not supported")
    _check(lines)
    return lines


def _check(lines: list[Any]) -> None:
    """Check the lines of a recording.

    :raises TypeError: a line or an event is not a JSON object.
    :raises ValueError: a message has no end.
    """
    is_complete = True
    for number, line in enumerate(lines, 1):
        if not isinstance(line, dict):
            raise TypeError(f"line {number} is not a JSON object")
        if not all(isinstance(line.get(name, {}), dict) for name in ("event", "delta", "answer")):
            raise TypeError(f"line {number} has an event that is not a JSON object")
        if "message" in line and not is_complete:
            break
        is_complete = (is_complete or "end" in line or "answer" in line) and "message" not in line
    if not is_complete:
        raise ValueError("a message has no end, so the file is not complete")


def _one_line(text: str) -> str:
    # White space is not compared, because the site's page can change the white space of a message.
    return " ".join(text.split())


def _text_pattern(recorded: str) -> re.Pattern[str]:
    """Return a pattern that matches messages with the recorded text. A placeholder for a secret or an ID matches any text."""
    parts = [re.escape(part) for part in _REPLACED.split(_one_line(recorded))]
    return re.compile(".+?".join(parts), re.DOTALL)


def _steps(lines: list[dict[str, Any]], speed: float | None) -> list[tuple[str, Step]]:
    steps: list[tuple[str, Step]] = []
    ids: dict[str, str] = {}
    encoding: Encoding
    events: list[tuple[float, dict[str, Any]]] = []
    message, encoding = "", "whole"
    for line in lines:
        if "message" in line:
            message, encoding, events = line["message"], "whole", []
        elif "event" in line:
            events.append((line["at"], line["event"]))
        elif "delta" in line:
            encoding = "delta"
            events.append((line["at"], line["delta"]))
        elif "append" in line:
            before = events[-1][1]
            events.append((line["at"], with_text(before, text_of(before) + line["append"])))
        elif "answer" in line:
            answer = line["answer"]
            steps.append((message, Answer(answer["status"], answer["body"], [*answer["headers"].items()])))
        elif line.get("end") == "challenge":
            steps.append((message, Answer.challenge()))
        elif "end" in line:
            final = (line["final"]["id"], line["final"]["text"]) if "final" in line else None
            step = Recorded(events, line["end"], line["at"], speed, ids, encoding=encoding, final=final)
            steps.append((message, step))

    return steps
