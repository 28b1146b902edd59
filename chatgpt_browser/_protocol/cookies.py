"""The session token as cookies: every form in which a user may have it, and the family of cookies that carries it.

The site keeps one encrypted value, split over several cookies where it is too long for one. The server joins every cookie of
the family that it is sent, so a stale member corrupts the session: a family is always written as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CHUNK_SIZE", "SessionToken", "is_session_cookie"]

#: The longest value of one cookie of the family: next-auth 4 splits at 3933 characters, @auth/core at 3936.
CHUNK_SIZE = 3933

_SECURE = "__Secure-"
_MEMBER = re.compile(r"(?:__Secure-)?(?P<family>next-auth|authjs)\.session-token(?:\.(?P<chunk>\d{1,4}))?")
_HEADER = re.compile(r"^\s*cookie\s*:", re.IGNORECASE)
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")  # RFC 6265, cookie-octet


def is_session_cookie(name: str) -> bool:
    """Whether a cookie of that name belongs to the session token."""
    return _MEMBER.fullmatch(name) is not None


@dataclass(frozen=True)
class SessionToken:
    """One session token, whole. ``family`` is the library whose cookie names the site uses: ``next-auth`` or ``authjs``."""

    value: str = field(repr=False)
    family: str = "next-auth"

    @classmethod
    def parse(cls, given: object) -> SessionToken | None:
        """A token in any of its forms: a value, several values in order, a dict of cookies, a ``Cookie:`` header.

        None for everything else: an error raised from in here would show what was given in a traceback with locals.
        """
        if isinstance(given, SessionToken):
            return given
        if isinstance(given, str):
            return cls._from_text(given)
        if isinstance(given, Mapping):
            return cls._from_cookies(given)
        if isinstance(given, Iterable) and not isinstance(given, (bytes, bytearray)):
            return cls._from_values(list(given))
        return None

    @classmethod
    def _from_text(cls, text: str) -> SessionToken | None:
        pairs = _read_pairs(text)
        if any(is_session_cookie(name) for name, _ in pairs):
            return cls._from_cookies(dict(pairs))
        return None if _HEADER.match(text) else cls._joined([text])

    @classmethod
    def _from_values(cls, values: list[object]) -> SessionToken | None:
        texts = [value for value in values if isinstance(value, str)]
        return cls._joined(texts) if len(texts) == len(values) else None

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

        # Where both forms are there, the plain one is what an earlier, shorter session left behind.
        for family, parts in chunks.items():
            if sorted(parts) == list(range(len(parts))):
                return cls._joined([parts[index] for index in sorted(parts)], family)
        for family, value in plain.items():
            return cls._joined([value], family)
        return None

    @classmethod
    def _joined(cls, values: list[str], family: str = "next-auth") -> SessionToken | None:
        """The parts of one value, without the quotes and the white space that copying adds."""
        bare = [value.strip().strip("\"'") for value in values]
        if not bare or not all(_COOKIE_VALUE.fullmatch(value) for value in bare):
            return None
        return cls("".join(bare), family)

    def cookies(self, origin: str) -> list[dict[str, Any]]:
        """The whole family for one origin, in the form that Playwright's ``add_cookies`` takes."""
        secure = origin.startswith("https:")
        name = f"{_SECURE if secure else ''}{self.family}.session-token"
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
    """The name=value pairs of a ``Cookie:`` header line, with or without the header's name."""
    pairs = (part.partition("=") for part in _HEADER.sub("", text).split(";"))
    return [(name.strip(), value.strip()) for name, equals, value in pairs if equals]
