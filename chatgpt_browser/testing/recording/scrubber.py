"""Takes secrets out of what is recorded: tokens, cookies, addresses, and whose they are. Pure.

What is known to be secret goes wherever it stands; what has the form of a secret goes too; ids become placeholders, the
same one for the same id, so that a recording still hangs together.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The placeholders of ids are these, counted up in the last group.
PLACEHOLDER = re.compile(r"00000000-0000-4000-8000-[0-9a-f]{12}")

_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_FORMS = {
    # JWS, JWE, and what has begun to be one.
    "token": re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*|(?i:bearer) +[\w.~+/-]{8,}=*|\b(?:sk|sess)-[\w-]{8,}"),
    "email": re.compile(r"(?<![\w.+%-])[\w.+%-]+@(?:[\w-]+(?:\.[\w-]+)*)?"),
    "account": re.compile(r"\b(?:user|org|acct|account)[-_](?=[\w-]*\d)[\w-]{8,}"),
}
_SECRET_KEY = re.compile(
    r"token|secret|cookie|authorization|password|email|phone|account|session|device|signature"
    r"|(?:^|_)(?:ip|user|user_id|owner)(?:$|_)",
    re.IGNORECASE,
)
#: Outside of what was said, so long a word of letters and digits is no word.
_BLOB = re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{24,}")
_SHORTEST_KNOWN = 4
_SHORTEST_BEGINNING = 8


class Scrubber:
    """Remembers what is secret, and which placeholder stands for what."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Scrubber of {len(self._known)} secrets>"

    def learn(self, kind: str, secrets: Iterable[str]) -> None:
        """Take these out from now on, wherever they stand; what is too short to be one is left."""
        for secret in secrets:
            if len(secret) >= _SHORTEST_KNOWN:
                self._known.setdefault(secret, f"[{kind}]")

    def look_for(self, text: str) -> None:
        """Learn what has the form of a secret in a text, so that its beginning is one too in a text that grows to it."""
        for kind, form in _FORMS.items():
            self.learn(kind, form.findall(text))

    def said(self, text: str) -> str:
        """What a person or the model said: words stay, secrets go, and so does the beginning of one at its end."""
        end = len(text)
        # What is left may end in the beginning of another.
        while begins := [at for secret in self._known if (at := _where_it_begins(text, secret)) < end]:
            end = min(begins)
            text = text[:end]

        return self._without(text)

    def _without(self, text: str) -> str:
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, self._known[secret])
        for kind, form in _FORMS.items():
            text = form.sub(f"[{kind}]", text)

        return _UUID.sub(lambda match: self._id(match[0]), text)

    def any(self, value: Any, key: str = "") -> Any:
        """Whatever else the site sent: what stands under a secret's name goes whole, and so do long random words."""
        if isinstance(value, dict):
            return {self._without(name): self.any(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.any(item, key) for item in value]
        if (
            key
            and _SECRET_KEY.search(key)
            and isinstance(value, (str, int, float))
            and not isinstance(value, bool)
        ):
            return f"[{key}]"
        if not isinstance(value, str):
            return value

        return _BLOB.sub(self._unless_placeholder, self._without(value))

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event of a reply, with what was said in it kept as such."""
        scrubbed: dict[str, Any] = self.any(event)
        parts = text_parts(event)
        if parts is not None:
            scrubbed["message"]["content"]["parts"] = [
                self.said(part) if isinstance(part, str) else self.any(part) for part in parts
            ]

        return scrubbed

    def _unless_placeholder(self, match: re.Match[str]) -> str:
        return match[0] if PLACEHOLDER.fullmatch(match[0]) else "[secret]"

    def _id(self, text: str) -> str:
        if PLACEHOLDER.fullmatch(text):
            return text

        return self._ids.setdefault(text.lower(), str(UUID(int=len(self._ids) + 1, version=4)))


def _where_it_begins(text: str, secret: str) -> int:
    """Where a text that ends in the middle of a secret has its beginning; the text's length for one that does not."""
    start = text.find(secret[:_SHORTEST_BEGINNING], max(0, len(text) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(text[start:]):
            return start
        start = text.find(secret[:_SHORTEST_BEGINNING], start + 1)

    return len(text)


def text_parts(event: dict[str, Any]) -> list[Any] | None:
    """The parts of an event's message, in which its text stands; None where it has none."""
    message = event.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    return parts if isinstance(parts, list) else None
