"""`Replay` and `read_recording`. `FakeChatGPT.replay` uses them to read and replay a recording."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..script.responses import Answer
from ..script.steps import Recorded, Step
from .file_format import FORMAT_VERSION, text_of, with_text

if TYPE_CHECKING:
    import os


class Replay:
    """The steps of a recording. Each message to the server uses the next step. The text of a message matters only for retries."""

    def __init__(self, steps: list[tuple[str, Step]]) -> None:
        self._steps = deque(steps)
        self._refused: tuple[str, Step] | None = None
        self._previous_message = ""

    @property
    def steps_left(self) -> int:
        """The number of steps that were not used yet."""
        return len(self._steps)

    def next_step(self, message: str) -> Step | None:
        """Return the step for the response to this message. Return None if the recording has no more steps.

        A client may retry a refused message automatically. The recording contains only the last refusal of such a message. So
        the response to a retry is the same refusal, unless the next message in the recording has the same text.
        """
        if self._refused is not None and message == self._previous_message:
            text, step = self._refused
            if not self._steps or self._steps[0][0] != text:
                return step
        if not self._steps:
            return None

        text, step = self._steps.popleft()
        self._refused = (text, step) if isinstance(step, Answer) else None
        self._previous_message = message
        return step


def read_recording(path: str | os.PathLike[str], speed: float | None) -> Replay:
    """Read a file that a `Recorder` has written, and return its replay.

    :param speed: the speed of the replay: 2 is twice as fast as the recording. If it is None, the replay never waits.
    :raises ValueError: the file is not a recording, or `speed` is not greater than zero.
    :raises OSError: the file cannot be read.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"speed must be greater than zero, or None for no waiting, not {speed}")

    try:
        lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
        if lines[0]["recording"] != FORMAT_VERSION:
            raise ValueError(f"format {lines[0]['recording']} is not supported")
        return Replay(_steps(lines, speed))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is not a valid recording: {error!r}") from error


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
            events.append((line["at"], with_text(before, text_of(before) + line["append"])))
        elif "answer" in line:
            answer = line["answer"]
            steps.append((message, Answer(answer["status"], answer["body"], [*answer["headers"].items()])))
        elif line.get("end") == "challenge":
            steps.append((message, Answer.challenge()))
        elif "end" in line:
            steps.append((message, Recorded(events, line["end"], line["at"], speed, ids)))

    return steps
