"""`EventLog`: the events of one reply with their times. It returns them as the lines of a recording, without secrets."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ..data.cookies import CHUNK_SIZE
from ..script.reply_parts import CITATION_MARK
from ..script.steps import role_of
from .delta_scrubber import scrub_deltas
from .file_format import appended_text, text_of, text_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .scrubber import Scrubber

# Maps the class name of the exception that ended the reply to the value of `end` in the recording.
_ENDS = {
    "ChallengeError": "challenge",
    "ChatGPTTimeoutError": "stalled",
    "MalformedEventError": "garbled",
    "StreamInterruptedError": "broken",
    # Any other StreamError: an event ended the reply, for example an event with an error. The recording contains this event, so
    # the replay ends normally after it.
    "StreamError": "done",
}


class _Entry(NamedTuple):
    """One event. For a delta, `whole` is the event that results from all deltas so far. For any other event, `whole` is None."""

    at: float
    event: dict[str, Any]
    whole: dict[str, Any] | None


class EventLog:
    """The events of one reply. They are written after the end of the reply, because secrets are found only in complete texts."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._started_at = time.monotonic()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def seconds(self) -> float:
        """The time since the message was sent, in seconds."""
        return round(time.monotonic() - self._started_at, 4)

    def add(self, event: Mapping[str, Any]) -> None:
        """Store the next event."""
        # In the delta format, `whole` is the complete event that results from all deltas so far.
        whole = getattr(event, "whole", None)
        copied = None if whole is None or whole is event else dict(whole)
        self._entries.append(_Entry(self.seconds, dict(event), copied))

    def ends_without(self, text: str) -> bool:
        """Return whether the client has read a part of the answer's text from the stored conversation, not from the events.

        :param text: the complete text, without marks of citations.
        """
        answer = self._answer() or {}
        is_finished = str(answer.get("status", "")).startswith("finished")
        return not is_finished and CITATION_MARK.sub("", text_of({"message": answer})).strip() != text.strip()

    @property
    def is_handed_off(self) -> bool:
        """True if an event announces that the reply continues outside the response."""
        return any(entry.event.get("type") == "stream_handoff" for entry in self._entries)

    def final(self, scrubber: Scrubber, reply: Any = None) -> dict[str, Any]:
        """Return `{"final": {"id": …, "text": …}}`, without secrets, for the last line of the message.

        The replay stores this answer in the conversation. Return an empty dict if the events are enough: they are not deltas, and
        they contain the whole answer.

        :param reply: the complete reply, with its `text` and `message_id`. None: take the answer from the events.
        """
        if reply is not None and self.ends_without(reply.text):
            answer_id, text = reply.message_id, reply.text
        elif (answer := self._answer()) is not None and any(entry.whole for entry in self._entries):
            answer_id, text = (reply and reply.message_id) or answer.get("id"), text_of({"message": answer})
        else:
            return {}
        return {"final": {"id": scrubber.value(str(answer_id)), "text": scrubber.text(text)}}

    def _answer(self) -> dict[str, Any] | None:
        """Return the newest message of the assistant that has a text. Return None if there is no such message."""
        for entry in reversed(self._entries):
            event = entry.event if entry.whole is None else entry.whole
            if text_parts(event) is not None and role_of(event["message"]) == "assistant":
                message: dict[str, Any] = event["message"]
                return message
        return None

    def lines(self, scrubber: Scrubber) -> Iterator[dict[str, Any]]:
        """Yield the recording's lines for the events, without secrets."""
        self._find_secrets(scrubber)
        deltas = iter(
            scrub_deltas([entry.event for entry in self._entries if entry.whole is not None], scrubber)
        )
        previous: dict[str, Any] = {}
        for entry in self._entries:
            if entry.whole is not None:
                yield {"delta": next(deltas), "at": entry.at}
                continue
            scrubbed = scrubber.event(entry.event)
            appended = appended_text(previous, scrubbed)
            yield {**({"event": scrubbed} if appended is None else {"append": appended}), "at": entry.at}
            previous = scrubbed

    def _find_secrets(self, scrubber: Scrubber) -> None:
        """Search the complete texts for secrets, and add the secrets to the scrubber.

        The text of an earlier event may end in the middle of a secret. The scrubber can remove this part of the secret only after
        the whole secret was added.
        """
        texts = [text_of(entry.event if entry.whole is None else entry.whole) for entry in self._entries]
        for text, following in zip(texts, [*texts[1:], ""], strict=False):
            if not following.startswith(text):
                scrubber.find_secrets(text)


def ending(error: BaseException, scrubber: Scrubber) -> dict[str, Any]:
    """Return the last line of a message whose reply ended with an error. The caller adds the time to the line."""
    names = [kind.__name__ for kind in type(error).__mro__]
    status, body = getattr(error, "status_code", None), getattr(error, "body", None)
    if isinstance(status, int) and isinstance(body, str):
        try:
            value = scrubber.value(json.loads(body))
        except ValueError:
            value = scrubber.value(body)
        return {"answer": {"status": status, "body": value, "headers": _headers(error)}}

    return {"end": next((_ENDS[name] for name in names if name in _ENDS), "left")}


def add_session_token(scrubber: Scrubber, token: str) -> None:
    """Add a session token and its parts to the secrets."""
    # A long token is stored in several cookies, so the chunk in each cookie is also a secret.
    parts = [token[start : start + CHUNK_SIZE] for start in range(0, len(token), CHUNK_SIZE)]
    # The parts of a JOSE token are secrets too, except the first part: it is a header, which is the same in other tokens.
    parts += [part for part in token.split(".") if len(part) > 15 and not part.startswith("eyJ")]
    scrubber.add_secrets("session-token", [token, *parts])


def session_line(scrubber: Scrubber, access_token: str, raw: dict[str, Any]) -> dict[str, Any]:
    """Add the secrets of a session to the scrubber, and return the recording's line for the session, without values."""
    scrubber.add_secrets("access-token", [access_token])
    for key in ("user", "account"):
        value = raw.get(key)
        texts = value.values() if isinstance(value, dict) else ()
        scrubber.add_secrets(key, [text for text in texts if isinstance(text, str)])

    return {"session": _without_values(raw)}


def as_text(line: dict[str, Any]) -> str:
    """Return a line of a recording as text that UTF-8 can encode."""
    text = json.dumps(line, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # A reply may be cut in the middle of a surrogate pair. The replay needs the first half of the pair. UTF-8 cannot encode
        # half of a pair, but a JSON escape can represent it.
        return json.dumps(line)
    return text


def _without_values(value: Any) -> Any:
    """Return a copy of a JSON value in which type names replace numbers and texts, and all lists are empty."""
    if isinstance(value, dict):
        return {key: _without_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return []

    return value if value is None or isinstance(value, bool) else f"[{type(value).__name__}]"


def _headers(error: BaseException) -> dict[str, str]:
    delay = getattr(error, "retry_after", None)
    has_header = delay and getattr(error, "retry_after_from", "") == "header"
    return {"retry-after": f"{delay:g}"} if has_header else {}
