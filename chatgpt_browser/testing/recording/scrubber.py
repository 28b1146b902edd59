"""`Scrubber`: replaces secrets in recordings: tokens, cookies, e-mail addresses, and names of users. Pure.

Known secrets and texts with the form of a secret are replaced everywhere. IDs are replaced by placeholders, the same ID
always by the same placeholder, so that references within a recording stay intact.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ..script.steps import PLACEHOLDER
from .file_format import text_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_PATTERNS = {
    # JWS and JWE, complete or cut off; bearer tokens; API and session keys.
    "token": re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*|(?i:bearer) +[\w.~+/-]{8,}=*|\b(?:sk|sess)-[\w-]{8,}"),
    "email": re.compile(r"(?<![\w.+%-])[\w.+%-]+@(?:[\w-]+(?:\.[\w-]+)*)?"),
    "account": re.compile(r"\b(?:user|org|acct|account)[-_][\w-]{8,}"),
}
# An account ID contains a digit. A lookahead would read the rest of the text again for each word of a long chain.
_WITH_DIGIT = ("account",)
_DIGIT, _LETTER = re.compile(r"\d"), re.compile("[A-Za-z]")
_SECRET_KEY = re.compile(
    r"token|secret|cookie|authorization|password|email|phone|account|session|device|signature"
    r"|(?:^|_)(?:ip|user|user_id|owner)(?:$|_)",
    re.IGNORECASE,
)
# Outside of message texts, a string of letters and digits of this length is not a word.
_BLOB = re.compile(r"[\w+/=-]{24,}")
# Characters. Shorter secrets would match ordinary words.
_SHORTEST_SECRET = 4
# Characters of a secret that are searched for at the end of a text.
_PREFIX_LENGTH = 8


class Scrubber:
    """Replaces secrets; stores the known secrets and the placeholders of IDs."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Scrubber of {len(self._known)} secrets>"

    def add_secrets(self, kind: str, secrets: Iterable[str]) -> None:
        """Replace these texts from now on by `[kind]`; texts of fewer than four characters are ignored."""
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                self._known.setdefault(secret, f"[{kind}]")

    def find_secrets(self, text: str) -> None:
        """Add the texts with the form of a secret, so that their beginnings are replaced too in shorter texts."""
        for kind, pattern in _PATTERNS.items():
            self.add_secrets(kind, (found for found in pattern.findall(text) if _is_secret(kind, found)))

    def text(self, text: str) -> str:
        """Return the text of a message without secrets, and without the beginning of a secret at its end."""
        end = len(text)
        # Repeat, because the shortened text may end with the beginning of another secret.
        while starts := [at for secret in self._known if (at := _cut_off_start(text, secret)) < end]:
            end = min(starts)
            text = text[:end]

        return self._without(text)

    def _without(self, text: str) -> str:
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, self._known[secret])
        for kind, pattern in _PATTERNS.items():
            text = pattern.sub(functools.partial(_replacement, kind), text)

        return _UUID.sub(lambda match: self._placeholder(match[0]), text)

    def value(self, value: Any, key: str = "") -> Any:
        """Return a JSON value without secrets; values under a secret's key and long random strings are replaced."""
        if isinstance(value, dict):
            return {self._without(name): self.value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, key) for item in value]
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and _SECRET_KEY.search(key):
            return f"[{key}]"
        if not isinstance(value, str):
            return value

        return _BLOB.sub(_without_blob, self._without(value))

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event of a reply without secrets; the text of its message is treated as by `text`."""
        scrubbed: dict[str, Any] = self.value(event)
        parts = text_parts(event)
        if parts is not None:
            scrubbed["message"]["content"]["parts"] = [
                self.text(part) if isinstance(part, str) else self.value(part) for part in parts
            ]

        return scrubbed

    def _placeholder(self, text: str) -> str:
        if PLACEHOLDER.fullmatch(text):
            return text

        return self._ids.setdefault(text.lower(), str(UUID(int=len(self._ids) + 1, version=4)))


def _is_secret(kind: str, text: str) -> bool:
    return kind not in _WITH_DIGIT or _DIGIT.search(text) is not None


def _replacement(kind: str, match: re.Match[str]) -> str:
    return f"[{kind}]" if _is_secret(kind, match[0]) else match[0]


def _without_blob(match: re.Match[str]) -> str:
    """Return the replacement of a long string, unless it is a placeholder or not made of both letters and digits."""
    text = match[0]
    is_random = _DIGIT.search(text) is not None and _LETTER.search(text) is not None
    return text if PLACEHOLDER.fullmatch(text) or not is_random else "[secret]"


def _cut_off_start(text: str, secret: str) -> int:
    """Return the index at which a secret starts that the end of the text cuts off, or the length of the text."""
    start = text.find(secret[:_PREFIX_LENGTH], max(0, len(text) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(text[start:]):
            return start
        start = text.find(secret[:_PREFIX_LENGTH], start + 1)

    return len(text)
