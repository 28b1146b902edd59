"""Removes secrets from texts and JSON values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REMOVED = "[removed]"

#: Matches access tokens and session tokens. Both are JOSE tokens (JWT and JWE).
_JOSE = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*")
#: Matches a whole URL, even without a query. With a pattern that required a query, the search could read the same text many
#: times.
_URL = re.compile(r"https?://[^\s\"'<>]*")
_AFTER_PATH = re.compile("[?#].*", re.DOTALL)
#: The maximum nesting depth. More deeply nested values are removed, because the nesting may exceed Python's recursion limit.
_MAX_DEPTH = 100


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return the text without these secrets, without other tokens, and without the query and the fragment of each URL."""
    return _URL.sub(lambda url: _AFTER_PATH.sub(f"?{REMOVED}", url[0], count=1), _without(text, secrets))


def reveals(text: str, secrets: Iterable[str]) -> bool:
    """Return whether a text contains one of these secrets, or another text that has the form of a token."""
    return _without(text, secrets) != text


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """Return a copy of a JSON value without these secrets and without texts that have the form of a token."""
    secrets = tuple(secrets)
    return each_text(value, lambda text: _without(text, secrets))


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, REMOVED)
    return _JOSE.sub(REMOVED, text)


def each_text(value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    """Return a copy of a JSON value. ``change`` is applied to each text of the copy, and to each key of an object.

    Values that are nested too deeply are removed.
    """
    if depth > _MAX_DEPTH:
        return REMOVED
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {each_text(name, change): each_text(item, change, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [each_text(item, change, depth + 1) for item in value]
    return value
