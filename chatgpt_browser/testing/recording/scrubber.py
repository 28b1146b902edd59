"""`Scrubber`: replaces secrets in recordings, for example tokens, cookies, e-mail addresses and names of users. It does no I/O.

Known secrets, and texts that have the form of a secret, are replaced everywhere. IDs are replaced with placeholders. The same ID
always has the same placeholder, so that references within a recording stay valid.
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
    # JWS and JWE tokens, complete or cut off; bearer tokens; API keys and session keys.
    "token": re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*|(?i:bearer) +[\w.~+/-]{8,}=*|\b(?:sk|sess)-[\w-]{8,}"),
    "email": re.compile(r"(?<![\w.+%-])[\w.+%-]+@(?:[\w-]+(?:\.[\w-]+)*)?"),
    "account": re.compile(r"\b(?:user|org|acct|account)[-_][\w-]{8,}"),
}
# Values after the name of a secret: parameters of signed URLs, cookies, and the header `Authorization`. A value is replaced with
# "[secret]", but is not stored as a known secret, because it may be a short word.
_NAMED = re.compile(
    r"""([?&;](?:code|[\w-]*(?:sig|signature|token|secret|password|credential|api_?key|auth|verify|session))=
    |(?:__(?:Secure|Host)-[\w.-]{1,60}|next-auth\.[\w.-]{1,60}|cf_\w{1,30}|_puid|oai-(?:sc|did))=
    |\bauthorization["']?:\s*["']?(?:basic|digest)\s+)
    [^\s&;,"'()<>\[\]\\\#]+""",
    re.IGNORECASE | re.VERBOSE,
)
# The kinds whose secrets always contain a digit. `_is_secret` checks that there is one. A lookahead in the pattern would be slow:
# in a long text such as `user-user-user-…`, it would read the rest of the text again at each word.
_WITH_DIGIT = ("account",)
_DIGIT, _LETTER = re.compile(r"\d"), re.compile("[A-Za-z]")
_SECRET_KEY = re.compile(
    r"token|secret|cookie|authorization|password|email|phone|account|session|device|signature"
    r"|(?:^|_)(?:ip|user|user_id|owner)(?:$|_)",
    re.IGNORECASE,
)
# Outside the texts of messages, a string of at least 24 characters with letters and digits is replaced: it may be a secret.
_BLOB = re.compile(r"[\w+/=-]{24,}")
# The minimum length of a secret in characters. Shorter secrets would also match ordinary words.
_SHORTEST_SECRET = 4
# If a text ends with the beginning of a secret, this beginning is removed only if it has at least this number of characters.
_PREFIX_LENGTH = 8


class Scrubber:
    """Replaces secrets and IDs by placeholders. A secret or ID that occurs again gets the same placeholder."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Scrubber of {len(self._known)} secrets>"

    def add_secrets(self, kind: str, secrets: Iterable[str]) -> None:
        """Add texts that are replaced with `[kind]` from now on. A text with fewer than four characters is ignored."""
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                self._known.setdefault(secret, f"[{kind}]")

    def find_secrets(self, text: str) -> None:
        """Search a text for strings that have the form of a secret, and add them to the known secrets.

        If another text ends in the middle of one of these secrets, `text()` can remove the beginning of the secret only after
        this call.
        """
        for kind, pattern in _PATTERNS.items():
            self.add_secrets(kind, (found for found in pattern.findall(text) if _is_secret(kind, found)))

    def text(self, text: str) -> str:
        """Return the text of a message with its secrets replaced. The beginning of a secret at the end of the text is removed."""
        end = len(text)
        # The search is repeated, because the shortened text may end with the beginning of another secret.
        while starts := [at for secret in self._known if (at := _cut_off_start(text, secret)) < end]:
            end = min(starts)
            text = text[:end]

        return self._without(text)

    def _without(self, text: str) -> str:
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, self._known[secret])
        for kind, pattern in _PATTERNS.items():
            text = pattern.sub(functools.partial(_replacement, kind), text)
        text = _NAMED.sub(r"\1[secret]", text)

        return _UUID.sub(lambda match: self._placeholder(match[0]), text)

    def value(self, value: Any, key: str = "") -> Any:
        """Return a copy of a JSON value with its secrets replaced.

        Long strings that contain both letters and digits are also replaced, because they may be secrets.

        :param key: the key of the value in its object. If it is a word such as "token", the value is replaced in any case.
        """
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
        """Return a copy of a reply's event with its secrets replaced.

        The secrets in the message's text are replaced as in `text()`.
        """
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
    """Return "[secret]" for a long string with both letters and digits. Return other strings and placeholders unchanged."""
    text = match[0]
    is_random = _DIGIT.search(text) is not None and _LETTER.search(text) is not None
    return text if PLACEHOLDER.fullmatch(text) or not is_random else "[secret]"


def _cut_off_start(text: str, secret: str) -> int:
    """Return the index in the text at which the secret begins, if the text ends in the middle of the secret.

    Otherwise return the length of the text.
    """
    start = text.find(secret[:_PREFIX_LENGTH], max(0, len(text) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(text[start:]):
            return start
        start = text.find(secret[:_PREFIX_LENGTH], start + 1)

    return len(text)
