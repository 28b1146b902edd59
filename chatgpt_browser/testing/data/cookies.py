"""Session cookies as NextAuth reads and writes them: whole, or in chunks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The longest value of one cookie (NextAuth v4: 4096 less 163 for its name and attributes).
CHUNK_SIZE = 3933

_SECURE_FAMILIES = ("__Secure-next-auth.session-token", "__Secure-authjs.session-token")
_PLAIN_FAMILIES = ("next-auth.session-token", "authjs.session-token")
_LIFETIME = timedelta(days=30)


def session_cookie_name(*, secure: bool) -> str:
    """The name that the site gives its session cookie, over TLS or without."""
    return (_SECURE_FAMILIES if secure else _PLAIN_FAMILIES)[0]


def read_session_token(cookies: Mapping[str, str], *, secure: bool) -> str | None:
    """Put the session token together as the site does: every non-empty cookie of the family, by number.

    A stale whole cookie beside chunks therefore corrupts the token. Without TLS the names with `__Secure-`
    are taken too, as a client other than a browser may send them (the npm package `chatgpt` 2.0 does).
    """
    families = _SECURE_FAMILIES if secure else _PLAIN_FAMILIES + _SECURE_FAMILIES
    for family in families:
        chunks = {name: value for name, value in cookies.items() if name.startswith(family) and value}
        if chunks:
            return "".join(chunks[name] for name in sorted(chunks, key=_chunk_number))

    return None


def set_session_token(token: str, present: Iterable[str], *, secure: bool) -> list[tuple[str, str]]:
    """The `Set-Cookie` headers that store `token` and delete those of the `present` names that it leaves over."""
    name = session_cookie_name(secure=secure)
    chunks = [token[start : start + CHUNK_SIZE] for start in range(0, len(token), CHUNK_SIZE)]
    values = {name: token} if len(chunks) == 1 else {f"{name}.{n}": chunk for n, chunk in enumerate(chunks)}
    stale = sorted(old for old in present if old.startswith(name) and old not in values)
    kept = [("set-cookie", set_cookie(key, value, secure=secure)) for key, value in values.items()]
    return kept + [("set-cookie", set_cookie(old, "", secure=secure, lifetime=timedelta(0))) for old in stale]


def set_cookie(name: str, value: str, *, secure: bool, lifetime: timedelta = _LIFETIME) -> str:
    """One `Set-Cookie` value: for the whole host, out of reach of scripts."""
    expires = format_datetime(datetime.now(timezone.utc) + lifetime, usegmt=True)
    attributes = f"Path=/; Max-Age={int(lifetime.total_seconds())}; Expires={expires}; HttpOnly; SameSite=Lax"
    return f"{name}={value}; {attributes}{'; Secure' if secure else ''}"


def _chunk_number(name: str) -> int:
    suffix = name.rpartition(".")[2]
    return int(suffix) if suffix.isdecimal() else -1
