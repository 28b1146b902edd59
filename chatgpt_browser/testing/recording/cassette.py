"""`CassetteRecorder`: records all messages of a test in a file, the cassette. `cassette_path`: returns the path of this file."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .event_log import EventLog, add_session_token, as_text, ending, session_line
from .file_format import FORMAT_VERSION
from .recorder import create_private
from .scrubber import Scrubber

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True

_FOLDER = "cassettes"
# Matches the characters that are replaced in a file name. All other characters are allowed on every system.
_UNSAFE = re.compile(r"[^\w.=,+()\[\]-]+")
_LONGEST_NAME = 100


def cassette_path(module: Path, test: str) -> Path:
    """Return the path of a test's cassette, in the folder `cassettes` beside the test's module.

    :param module: the file of the test.
    :param test: the name of the test, including its class and its parameters, such as `TestA::test_b[c]`.
    """
    function, bracket, parameters = test.partition("[")
    plain = function.replace("::", ".") + bracket + parameters
    name = _UNSAFE.sub("-", plain)[:_LONGEST_NAME].rstrip(".")
    if name != plain:
        # Characters were replaced or cut, so another test may have the same file name. A hash of the test's name is added.
        name += "-" + hashlib.sha256(test.encode()).hexdigest()[:8]
    return module.parent / _FOLDER / module.stem / f"{name}.jsonl"


@dataclass(frozen=True)
class Cassette:
    """The recording of one test. It is the value of the fixture `chatgpt_recording`."""

    #: The file of the cassette.
    path: Path
    #: The value of `--chatgpt-record`.
    mode: Literal["none", "once", "all"]
    #: True: the test uses the real site. False: the test replays the cassette.
    is_live: bool = field(kw_only=True)


class CassetteRecorder:
    """Records the messages of clients, and returns them as the lines of one cassette."""

    def __init__(self) -> None:
        self._messages: list[RecordedMessage] = []

    def observe_reply(self, text: str) -> RecordedMessage:
        """Return the observer of a message with this text."""
        message = RecordedMessage(text)
        self._messages.append(message)
        return message

    def lines(
        self, secrets: Iterable[str], session: tuple[str, Mapping[str, Any]] | None
    ) -> list[dict[str, Any]]:
        """Return the lines of the cassette, without secrets.

        :param secrets: the session tokens and the access tokens of the clients.
        :param session: the access token and the JSON object of a session, or None if no client has requested a session.
        """
        scrubber = Scrubber()
        lines: list[dict[str, Any]] = [
            {"recording": FORMAT_VERSION, "recorded": time.strftime("%Y-%m-%d", time.gmtime())}
        ]
        for secret in secrets:
            add_session_token(scrubber, secret)
        if session is not None:
            lines.append(session_line(scrubber, session[0], dict(session[1])))
        for message in self._messages:
            lines += message.lines(scrubber)
        return lines


class RecordedMessage:
    """One message and its reply. The client calls `on_event` for each event of the reply, and then `on_end`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._log = EventLog()
        self._error: BaseException | None = None
        self._reply: Any = None
        self._ended_at: float | None = None

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Store an event."""
        self._log.add(event)

    def on_end(self, error: BaseException | None, reply: Any) -> None:
        """Store the end of the message.

        :param reply: the complete reply, with its `text` and `message_id`. None: the reply is not complete.
        """
        self._error, self._reply, self._ended_at = error, reply, self._log.seconds

    def lines(self, scrubber: Scrubber) -> list[dict[str, Any]]:
        """Return the cassette's lines for the message, without secrets.

        If it is not certain that the message was sent, return no lines.
        """
        end = self._end(scrubber)
        if end == {"end": "left"} and not self._log:
            return []

        # The reply is searched for secrets first, because the message may contain a secret that is only recognized in the reply.
        events = [*self._log.lines(scrubber)]
        final = self._log.final(scrubber, self._reply) if "end" in end else {}
        last = {**end, **final, "at": self._log.seconds if self._ended_at is None else self._ended_at}
        return [{"message": scrubber.text(self._text)}, *events, last]

    def _end(self, scrubber: Scrubber) -> dict[str, Any]:
        if self._error is not None:
            return ending(self._error, scrubber)
        if self._reply is None:
            return {"end": "left"}

        is_recovered = self._log.ends_without(self._reply.text) and not self._log.is_handed_off
        return {"end": "broken" if is_recovered else "done"}


def write_cassette(path: Path, lines: list[dict[str, Any]]) -> None:
    """Write the lines of a cassette. The folder is created if it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with create_private(path) as file:
        file.writelines(as_text(line) + "\n" for line in lines)
