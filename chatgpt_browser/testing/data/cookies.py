"""Parses the `Cookie` header, and reads and writes session cookies in the format of NextAuth (whole or in chunks)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The maximum length of a cookie's value. In NextAuth v4, a cookie has at most 4096 bytes, and 163 of them are reserved for the
#: name and the attributes.
CHUNK_SIZE = 3933

_SECURE_NAMES = ("__Secure-next-auth.session-token", "__Secure-authjs.session-token")
_PLAIN_NAMES = ("next-auth.session-token", "authjs.session-token")
_LIFETIME = timedelta(days=30)


def parse_cookies(header: str) -> dict[str, str]:
    """Parse a `Cookie` header. Return a dict from names to values. If several cookies have the same name, use the first."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            cookies.setdefault(name, value)

    return cookies


def read_session_token(cookies: Mapping[str, str], *, secure: bool) -> str | None:
    """Return the session token from the cookies of a request, or None if there is no session cookie.

    As on the site, the values of all cookies whose name begins with the name of the session cookie are joined, in the order of
    the cookies' numbers. So if a request contains chunks and also an old cookie without a number, the result is not a valid
    token. Without TLS (`secure=False`), names that begin with `__Secure-` are also accepted, because some clients that are not
    browsers send such names (for example, the npm package `chatgpt` 2.0).
    """
    for base in _SECURE_NAMES if secure else _PLAIN_NAMES + _SECURE_NAMES:
        chunks = {name: value for name, value in cookies.items() if name.startswith(base) and value}
        if chunks:
            return "".join(chunks[name] for name in sorted(chunks, key=_chunk_number))

    return None


def renew_session_cookies(cookies: Mapping[str, str], *, secure: bool) -> list[tuple[str, str]]:
    """Return the `Set-Cookie` headers that extend the lifetime of the session cookies of a request.

    :param cookies: the cookies of the request. Their names and values are kept.
    """
    names = [name for name in cookies if name.startswith(_SECURE_NAMES + _PLAIN_NAMES)]
    return [("set-cookie", set_cookie(name, cookies[name], secure=secure)) for name in names]


def set_session_token(token: str, present: Iterable[str], *, secure: bool) -> list[tuple[str, str]]:
    """Return the `Set-Cookie` headers that store `token` and delete the old session cookies.

    :param present: the names of the cookies that the client has now. The session cookies among them are deleted, except those
        that the new token overwrites.
    """
    name = (_SECURE_NAMES if secure else _PLAIN_NAMES)[0]
    chunks = [token[start : start + CHUNK_SIZE] for start in range(0, len(token), CHUNK_SIZE)]
    values = {name: token} if len(chunks) == 1 else {f"{name}.{n}": chunk for n, chunk in enumerate(chunks)}
    stale = sorted(old for old in present if old.startswith(name) and old not in values)
    cookies = [set_cookie(key, value, secure=secure) for key, value in values.items()]
    cookies += [set_cookie(old, "", secure=secure, lifetime=timedelta(0)) for old in stale]
    return [("set-cookie", cookie) for cookie in cookies]


def set_cookie(name: str, value: str, *, secure: bool, lifetime: timedelta = _LIFETIME) -> str:
    """Return the value of a `Set-Cookie` header. The cookie is valid for all paths of the host, and is `HttpOnly`."""
    expires = format_datetime(datetime.now(timezone.utc) + lifetime, usegmt=True)
    attributes = f"Path=/; Max-Age={int(lifetime.total_seconds())}; Expires={expires}; HttpOnly; SameSite=Lax"
    return f"{name}={value}; {attributes}{'; Secure' if secure else ''}"


def _chunk_number(name: str) -> int:
    suffix = name.rpartition(".")[2]
    return int(suffix) if suffix.isdecimal() else -1
