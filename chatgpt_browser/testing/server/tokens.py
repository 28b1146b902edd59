"""The two kinds of token: session tokens, which are cookies, and access tokens, which are JWTs."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

# The characters allowed in a cookie's value (RFC 6265, 4.1.1).
_COOKIE_OCTETS = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')


class SessionTokens:
    """The valid session tokens: the newest and its predecessor.

    The predecessor stays valid so that a request in flight during the rotation does not sign its sender out.

    :param token: the first token; None: a random token.
    :param rotation: True: rotate to random tokens. Texts: rotate to these tokens, then stop rotating.
    """

    def __init__(self, token: str | None, rotation: bool | Iterable[str]) -> None:
        self.current = _checked(token) if token is not None else new_session_token()
        self._valid = [self.current]
        self._following = iter(self._new_random, None) if rotation is True else iter(rotation or ())

    def is_valid(self, token: str | None) -> bool:
        """Return whether the token is valid now."""
        return token in self._valid

    def rotate(self) -> str | None:
        """Make the next token the current one and return it; return None if there is no next token."""
        following = next(self._following, None)
        return None if following is None else self.replace(following)

    def replace(self, token: str) -> str:
        """Make `token` the current one and return it; its predecessor stays valid."""
        self.current = _checked(token)
        self._valid = [*self._valid[-1:], token]
        return token

    def revoke(self) -> None:
        """Make all tokens invalid."""
        self._valid = []

    def _new_random(self) -> str:
        while (token := random_token(len(self.current))) in self._valid:
            pass
        return token


class AccessTokens:
    """The issued access tokens; `lifetime` is in seconds."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._expiry: dict[str, float] = {}
        self._current: str | None = None

    def issue(self, subject: str) -> str:
        """Return the current token, or a new one if it has expired."""
        if self._current is None or self.state(self._current) != "valid":
            self._current = self._new(subject)

        return self._current

    def issue_expired(self, subject: str) -> str:
        """Return a token that has already expired."""
        token = self._new(subject)
        self._expiry[token] = 0.0
        return token

    def state(self, token: str) -> Literal["valid", "expired", "unknown"]:
        """Return the state of a token."""
        expiry = self._expiry.get(token)
        if expiry is None:
            return "unknown"
        return "valid" if time.time() < expiry else "expired"

    def expire_all(self) -> None:
        """Make all tokens issued so far expired."""
        self._expiry = dict.fromkeys(self._expiry, 0.0)

    def _new(self, subject: str) -> str:
        now = time.time()
        times = {"iat": int(now), "exp": int(now + self._lifetime)}
        claims = {"sub": subject, **times, "jti": secrets.token_hex(8)}
        token = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}.{random_token(86)}"
        self._expiry[token] = now + self._lifetime
        return token


def new_session_token() -> str:
    """Return a random token in the site's format: five parts, the second one empty."""
    header = _part({"alg": "dir", "enc": "A256GCM"})
    return f"{header}..{random_token(16)}.{random_token(640)}.{random_token(22)}"


def random_token(length: int) -> str:
    """Return random characters that are allowed in a cookie."""
    return secrets.token_urlsafe(length)[:length]


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _checked(token: str) -> str:
    if not token or not _COOKIE_OCTETS.issuperset(token):
        raise ValueError(
            "session_token must be a valid cookie value: not empty, ASCII, without spaces, quotes, commas, semicolons and "
            "backslashes"
        )
    return token
