"""The two kinds of token: the session's, which is a cookie, and the access token, which is a JWT."""

from __future__ import annotations

import base64
import json
import secrets
import string
import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LETTERS = string.ascii_letters + string.digits + "-_"
# What may stand in a cookie's value (RFC 6265, 4.1.1).
_COOKIE_OCTETS = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')


class SessionTokens:
    """The session tokens that the site takes: the newest, and the one before it.

    The one before it stays valid so that a request already under way does not sign its sender out.
    """

    def __init__(self, token: str | None, rotation: bool | Iterable[str]) -> None:
        self.current = _checked(token) if token is not None else new_session_token()
        self._valid = [self.current]
        self._planned: Iterator[str] | None = None if isinstance(rotation, bool) else iter(rotation)
        self._random = rotation is True

    def is_valid(self, token: str | None) -> bool:
        """Whether the site takes it now."""
        return token in self._valid

    def rotate(self) -> str | None:
        """Make the next token the current one; None where there is no next one."""
        if self._planned is not None:
            planned = next(self._planned, None)
            return None if planned is None else self.replace(planned)

        return self.replace(self._another()) if self._random else None

    def replace(self, token: str) -> str:
        """Make `token` the current one; the one before it stays valid."""
        self.current = _checked(token)
        self._valid = [*self._valid[-1:], token]
        return token

    def revoke(self) -> None:
        """Take none of them any more."""
        self._valid = []

    def _another(self) -> str:
        while True:
            token = random_token(len(self.current))
            if token not in self._valid:
                return token


class AccessTokens:
    """The access tokens that were issued; `lifetime` in seconds."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._expiry: dict[str, float] = {}
        self._current: str | None = None

    def issue(self, subject: str) -> str:
        """Give the current token, or a new one if that has expired."""
        if self._current is None or self.state(self._current) != "valid":
            self._current = self._new(subject)

        return self._current

    def issue_expired(self, subject: str) -> str:
        """Give a token that has expired already."""
        token = self._new(subject)
        self._expiry[token] = 0.0
        return token

    def state(self, token: str) -> Literal["valid", "expired", "unknown"]:
        """What the backend thinks of a token."""
        expiry = self._expiry.get(token)
        if expiry is None:
            return "unknown"
        return "valid" if time.time() < expiry else "expired"

    def expire_all(self) -> None:
        """Let every token issued so far be expired."""
        self._expiry = dict.fromkeys(self._expiry, 0.0)

    def _new(self, subject: str) -> str:
        now = time.time()
        claims = {
            "sub": subject,
            "iat": int(now),
            "exp": int(now + self._lifetime),
            "jti": secrets.token_hex(8),
        }
        token = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}.{random_token(86)}"
        self._expiry[token] = now + self._lifetime
        return token


def new_session_token() -> str:
    """A random token in the form of the site's: five parts, the second empty."""
    header = _part({"alg": "dir", "enc": "A256GCM"})
    return f"{header}..{random_token(16)}.{random_token(640)}.{random_token(22)}"


def random_token(length: int) -> str:
    """So many random letters, all of them safe in a cookie."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _checked(token: str) -> str:
    if not token or not _COOKIE_OCTETS.issuperset(token):
        raise ValueError(
            "session_token must be a cookie's value: not empty, ASCII without spaces, quotes, , ; or \\"
        )
    return token
