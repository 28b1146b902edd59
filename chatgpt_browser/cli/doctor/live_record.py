"""What is kept of a way that was tried on the real site: kinds, names and lengths, as far as they may be shown to others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatgpt_browser import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ChatGPTError,
    DialogInTheWayError,
    PageError,
    StreamError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser import ConversationEvent

#: Of so many events, from the beginning and from the end, the shape is kept.
FIRST, LAST = 40, 10

#: The values of these fields say what kind of thing something is. All other texts are a user's, or secret.
TELLING = frozenset(
    "type o c role content_type channel recipient status marker event kind encoding finish_details error_code".split()
)
#: The form of the site's own words for kinds of things; and of its names for fields, which a user's names and ids may stand
#: among: those have other characters, most of them.
KIND = re.compile(r"[\w.:/+-]{1,60}", re.ASCII)
FIELD = re.compile(r"[A-Za-z_]{1,40}")
QUOTED = re.compile(r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


@dataclass
class Attempt:
    """One way tried: what came of it."""

    outcome: str = "not tried"
    message: str = ""
    status: int | None = None
    code: str | None = None
    count: int = 0
    first: list[Any] = field(default_factory=list)
    last: list[Any] = field(default_factory=list)
    elements: list[Any] = field(default_factory=list)
    conversation_id: str | None = field(default=None, repr=False)

    def note(self, event: ConversationEvent) -> None:
        """Keep the shape of an event."""
        self.count += 1
        place = (event.whole or event).get("conversation_id")
        self.conversation_id = place if isinstance(place, str) and place else self.conversation_id
        shape = shape_of(dict(event))
        if self.count <= FIRST:
            self.first.append(shape)
        else:
            self.last = [*self.last, shape][-LAST:]

    def fail(self, error: ChatGPTError) -> None:
        """It came to nothing, for this reason."""
        self.outcome, self.message = type(error).__name__, words_of_ours(error)
        if isinstance(error, (APIStatusError, AuthenticationError)):
            self.status = error.status_code
        if isinstance(error, APIStatusError) and error.code is not None:
            self.code = shape_of(error.code, "type")
        if isinstance(error, PageError):
            self.elements = list(error.elements)

    @property
    def form(self) -> str:
        """In which form the reply came."""
        shapes = [*self.first, *self.last]
        return "deltas" if any("message" not in each and "v" in each for each in shapes) else "whole events"

    def to_json(self) -> dict[str, Any]:
        """Everything that may be shown."""
        events = {"count": self.count, "first": self.first, "last": self.last}
        told: dict[str, Any] = {"outcome": self.outcome, "message": self.message}
        if self.status is not None:
            told |= {"status": self.status, "code": self.code}
        return {**told, "events": events, "page": self.elements}


def shape_of(value: Any, name: str = "") -> Any:
    """What a JSON value is made of: the names of its fields, and of its texts the length, unless they tell a kind."""
    if isinstance(value, dict):
        return {_name(key): shape_of(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [shape_of(item, name) for item in value[:5]]
    if isinstance(value, str):
        if name == "p":
            return _path(value)
        return value if name in TELLING and KIND.fullmatch(value) else _length(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and name not in TELLING:
        return "<number>"
    return value


def without_words(value: Any, words: Sequence[str]) -> Any:
    """A JSON value, without these words in its texts: a person's name, wherever the site has put it."""
    if not words:
        return value
    if isinstance(value, dict):
        return {without_words(key, words): without_words(member, words) for key, member in value.items()}
    if isinstance(value, list):
        return [without_words(item, words) for item in value]
    if isinstance(value, str):
        named = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{named})(?!\w)", "<name>", value, flags=re.IGNORECASE)
    return value


def words_of_ours(error: ChatGPTError) -> str:
    """An error's text, without what the site has said in it and without what is quoted there, unless that is a kind of thing."""
    text = str(error)
    if (
        isinstance(error, (APIStatusError, AuthenticationError, APIConnectionError))
        or type(error) is StreamError
    ):
        text = text.partition(": ")[0]
    if isinstance(error, DialogInTheWayError):
        text = text.partition(" (")[0]
    return QUOTED.sub(_quoted, text)


def _quoted(match: re.Match[str]) -> str:
    inner = match[0][1:-1]
    shown = _path(inner) if inner.startswith("/") else inner if KIND.fullmatch(inner) else _length(inner)
    return f"{match[0][0]}{shown}{match[0][-1]}"


def _path(path: str) -> str:
    """A JSON Pointer, with those of its steps that are fields of the site's, indexes or ends."""
    return "/".join(
        step if step in ("", "-") or step.isdecimal() else _name(step) for step in path.split("/")
    )


def _name(key: str) -> str:
    return key if FIELD.fullmatch(key) else _length(key)


def _length(text: str) -> str:
    return f"<{len(text)} characters>"
