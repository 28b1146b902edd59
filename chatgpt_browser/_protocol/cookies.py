"""The session token as cookies: the accepted forms of the token, and the family of cookies that contains it.

The token is one encrypted value. If it is too long for one cookie, the site splits it into several. The server joins all cookies
of the family that it receives, so that a stale member corrupts the session: a family is always written as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The maximum length of one cookie's value: next-auth 4 splits at 3933 characters, @auth/core at 3936.
CHUNK_SIZE = 3933

_MEMBER = re.compile(r"(?:__Secure-)?(?P<family>next-auth|authjs)\.session-token(?:\.(?P<chunk>\d{1,4}))?")
_HEADER = re.compile(r"^\s*cookie\s*:", re.IGNORECASE)
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")  # RFC 6265, cookie-octet


def is_session_cookie(name: str) -> bool:
    """Return whether a cookie of that name belongs to the session token."""
    return _MEMBER.fullmatch(name) is not None


@dataclass(frozen=True)
class SessionToken:
    """A whole session token. ``family`` is the library whose cookie names the site uses: ``next-auth`` or ``authjs``."""

    value: str = field(repr=False)
    family: str = "next-auth"

    @classmethod
    def parse(cls, given: object) -> SessionToken | None:
        """Parse a token: a value, several values in order, a dict of cookies, or a ``Cookie:`` header.

        Return None for everything else. An exception raised here would show the value in a traceback with local variables.
        """
        if isinstance(given, SessionToken):
            return given
        if isinstance(given, str):
            return cls._from_text(given)
        if isinstance(given, Mapping):
            return cls._from_cookies(given)
        if isinstance(given, Iterable) and not isinstance(given, (bytes, bytearray)):
            values = list(given)
            return cls._joined(values) if all(isinstance(value, str) for value in values) else None
        return None

    @classmethod
    def _from_text(cls, text: str) -> SessionToken | None:
        pairs = _read_pairs(text)
        if any(is_session_cookie(name) for name, _ in pairs):
            return cls._from_cookies(dict(pairs))
        return None if _HEADER.match(text) else cls._joined([text])

    @classmethod
    def _from_cookies(cls, cookies: Mapping[Any, Any]) -> SessionToken | None:
        plain: dict[str, str] = {}
        chunks: dict[str, dict[int, str]] = {}

        for name, value in cookies.items():
            member = _MEMBER.fullmatch(name) if isinstance(name, str) else None
            if member is None or not isinstance(value, str) or not value:
                continue

            if member["chunk"] is None:
                plain[member["family"]] = value
            else:
                chunks.setdefault(member["family"], {})[int(member["chunk"])] = value

        # If both forms exist, the plain cookie belongs to an earlier session with a shorter token.
        for family, parts in chunks.items():
            if sorted(parts) == list(range(len(parts))):
                return cls._joined([parts[index] for index in sorted(parts)], family)
        for family, value in plain.items():
            return cls._joined([value], family)
        return None

    @classmethod
    def _joined(cls, values: list[str], family: str = "next-auth") -> SessionToken | None:
        """Join the parts of one value, without the quotes and the white space that copying adds."""
        bare = [value.strip().strip("\"'") for value in values]
        if not bare or not all(_COOKIE_VALUE.fullmatch(value) for value in bare):
            return None
        return cls("".join(bare), family)

    def cookies(self, origin: str) -> list[dict[str, Any]]:
        """Return the whole family for one origin, as arguments of Playwright's ``add_cookies``."""
        secure = origin.startswith("https:")
        name = f"{'__Secure-' if secure else ''}{self.family}.session-token"
        chunks = [self.value[start : start + CHUNK_SIZE] for start in range(0, len(self.value), CHUNK_SIZE)]
        names = [name] if len(chunks) == 1 else [f"{name}.{index}" for index in range(len(chunks))]
        return [
            {
                "name": name,
                "value": chunk,
                "url": f"{origin}/",
                "httpOnly": True,
                "secure": secure,
                "sameSite": "Lax",
            }
            for name, chunk in zip(names, chunks, strict=True)
        ]


def _read_pairs(text: str) -> list[tuple[str, str]]:
    """Return the name=value pairs of a ``Cookie:`` header line, with or without the header's name."""
    pairs = (part.partition("=") for part in _HEADER.sub("", text).split(";"))
    return [(name.strip(), value.strip()) for name, equals, value in pairs if equals]
