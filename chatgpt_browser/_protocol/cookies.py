"""The session token as cookies: the accepted forms of the token, and the family of cookies that contains it.

The token is one encrypted value. If it is too long for one cookie, the site splits it into several. The server joins all cookies
of the family that it receives, so that a stale member corrupts the session: a family is always written as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .cookie_formats import Cookie, cookies_of, is_header, is_json

#: The maximum length of one cookie's value: next-auth 4 splits at 3933 characters, @auth/core at 3936.
CHUNK_SIZE = 3933

_MEMBER = re.compile(r"(?:__Secure-)?(?P<family>next-auth|authjs)\.session-token(?:\.(?P<chunk>\d{1,4}))?")
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")  # RFC 6265, cookie-octet
#: A name of the site's cookies, a line with another cookie, or the name of a file: texts that are certainly not a token.
_NO_TOKEN = re.compile(
    r"__(?:Secure|Host)-.*|(?:next-auth|authjs)\..*|[^=]*=+[^=].*|.*\.(?:json|txt)", re.IGNORECASE | re.DOTALL
)

#: The hosts of the site. An export of a browser's cookies also contains cookies of other sites that use the same library.
_HOSTS = ("chatgpt.com", "chat.openai.com")

#: The message for a value that is neither a token nor contains one.
INVALID_TOKEN = (
    "ChatGPT invalid session token. Accepted are: the value of the site's session cookie, or its parts in order; the cookie as "
    "`name=value`, `name: value`, a `Cookie:` or a `Set-Cookie:` line; a dict of cookie names and values; a list of cookies, "
    "as Playwright's `context.cookies()` or a browser extension exports it; Playwright's `storage_state`; JSON of these; the "
    "text of a Netscape `cookies.txt`; and a `pathlib.Path` of a file that contains one of them. The name of the cookie is "
    "`__Secure-next-auth.session-token`; if the site split it, the names of its parts end in `.0`, `.1` and so on."
)


def is_session_cookie(name: str) -> bool:
    """Return whether a cookie of that name belongs to the session token."""
    return _MEMBER.fullmatch(name) is not None


@dataclass(frozen=True)
class SessionToken:
    """A whole session token. ``family`` is the library whose cookie names the site uses: ``next-auth`` or ``authjs``."""

    value: str = field(repr=False)
    family: str = "next-auth"

    @classmethod
    def parse(cls, given: object, url: str = "") -> SessionToken | None:
        """Parse a token: a value, several values in order, or cookies in any form of :func:`.cookie_formats.cookies_of`.

        ``url`` is a URL of the site: its cookies are preferred to those of the site's other hosts. Cookies of other sites are
        ignored. Return None if there is no token. An exception raised here would show the value in a traceback with local
        variables.
        """
        if isinstance(given, SessionToken):
            return given
        if isinstance(given, Iterable) and not isinstance(given, (str, bytes, bytearray, Mapping)):
            given = list(given)
        members = [cookie for cookie in cookies_of(given) if is_session_cookie(cookie.name)]
        if members:
            return cls._from_cookies(members, (_host_of(url), *_HOSTS))
        if isinstance(given, str):
            return None if is_header(given) or is_json(given) else cls._from_values([given])
        if isinstance(given, list) and all(isinstance(value, str) for value in given):
            return cls._from_values(given)
        return None

    @classmethod
    def _from_values(cls, values: list[str]) -> SessionToken | None:
        return None if any(_NO_TOKEN.fullmatch(_bare(value)) for value in values) else cls._joined(values)

    @classmethod
    def _from_cookies(cls, cookies: list[Cookie], hosts: tuple[str, ...]) -> SessionToken | None:
        """Return the token of the first of these hosts that has one. The families of two hosts are not mixed."""
        domains = [host for host in dict.fromkeys(hosts) if host]
        for host in ["", *domains]:
            family = {c.name: c.value for c in cookies if _belongs_to(c.domain, host)}
            if (token := cls._from_family(family)) is not None:
                return token
        return None

    @classmethod
    def _from_family(cls, cookies: Mapping[str, str]) -> SessionToken | None:
        plain: dict[str, str] = {}
        chunks: dict[str, dict[int, str]] = {}

        for name, value in cookies.items():
            member = _MEMBER.fullmatch(name)
            if member is None or not value:
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
        bare = [_bare(value) for value in values]
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


def _bare(value: str) -> str:
    return value.strip("\ufeff \t\r\n").strip("\"'")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _belongs_to(domain: str, host: str) -> bool:
    """Return whether a browser sends a cookie of this domain to the host; a cookie without a domain belongs to no host."""
    return host == domain or bool(domain) and host.endswith(f".{domain}")
