"""The two kinds of tokens. A session token is the value of a cookie. An access token is a JWT."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

# The characters that the value of a cookie may contain (RFC 6265, 4.1.1).
_COOKIE_OCTETS = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')


class SessionTokens:
    """The valid session tokens: the newest token and the token before it.

    The older token stays valid, because a client can still send it in a request while the token is rotated.

    :param token: the first session token. None: a random token.
    :param rotation: the tokens that `rotate` returns. True: random tokens. A sequence: its tokens, in order, and then None.
        False: always None.
    """

    def __init__(self, token: str | None, rotation: bool | Iterable[str]) -> None:
        self.current: str = _checked(token) if token is not None else new_session_token()
        self._valid = [self.current]
        self._following = iter(self._new_random, None) if rotation is True else iter(rotation or ())

    def is_valid(self, token: str | None) -> bool:
        """Return whether this session token is valid now."""
        return token in self._valid

    def rotate(self) -> str | None:
        """Make the next token of the rotation the current token, and return it. If there is no next token, return None."""
        following = next(self._following, None)
        return None if following is None else self.replace(following)

    def replace(self, token: str) -> str:
        """Make `token` the current token, and return it. The token that was current before stays valid."""
        self.current = _checked(token)
        self._valid = [*self._valid[-1:], token]
        return token

    def revoke(self) -> None:
        """Make all session tokens invalid."""
        self._valid = []

    def _new_random(self) -> str:
        while (token := random_token(len(self.current))) in self._valid:
            pass
        return token


class AccessTokens:
    """All access tokens that the server has issued.

    :param lifetime: the lifetime of an access token, in seconds.
    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._expiry: dict[str, float] = {}
        self._current: str | None = None

    def issue(self, subject: str) -> str:
        """Return the current access token. If it has expired, or if none was issued, return a new access token.

        :param subject: the ID of the user, for the claim `sub` of a new token.
        """
        if self._current is None or self.state(self._current) != "valid":
            self._current = self._new(subject)

        return self._current

    def issue_expired(self, subject: str) -> str:
        """Return a new access token that has already expired."""
        token = self._new(subject)
        self._expiry[token] = 0.0
        return token

    def state(self, token: str) -> Literal["valid", "expired", "unknown"]:
        """Return the state of an access token. The state is `unknown` if this server did not issue the token."""
        expiry = self._expiry.get(token)
        if expiry is None:
            return "unknown"
        return "valid" if time.time() < expiry else "expired"

    def expire_all(self) -> None:
        """Expire all access tokens that were issued so far."""
        self._expiry = dict.fromkeys(self._expiry, 0.0)

    def _new(self, subject: str) -> str:
        now = time.time()
        times = {"iat": int(now), "exp": int(now + self._lifetime)}
        claims = {"sub": subject, **times, "jti": secrets.token_hex(8)}
        token = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}.{random_token(86)}"
        self._expiry[token] = now + self._lifetime
        return token


def new_session_token() -> str:
    """Return a random session token in the site's format. It has five parts; the second part is empty."""
    header = _part({"alg": "dir", "enc": "A256GCM"})
    return f"{header}..{random_token(16)}.{random_token(640)}.{random_token(22)}"


def random_token(length: int) -> str:
    """Return a random text of this length. It contains only characters that are valid in the value of a cookie."""
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
