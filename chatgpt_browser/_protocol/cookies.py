"""The session token: parsing of the accepted formats, and conversion to the cookies that store the token.

The token is one encrypted value. If the value is too long for one cookie, the site splits the value into several cookies. The
server joins the values of these cookies. If one of the cookies were outdated, the joined token would be invalid. Therefore this
package always replaces all cookies of a token together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .cookie_formats import Cookie, cookies_of, is_header, is_json, read_json

#: The maximum length of one cookie's value, in characters. next-auth 4 splits a token at 3933 characters, @auth/core at 3936.
CHUNK_SIZE = 3933

_MEMBER = re.compile(r"(?:__Secure-)?(?P<family>next-auth|authjs)\.session-token(?:\.(?P<chunk>\d{1,4}))?")
#: Matches the value of a cookie (RFC 6265, ``cookie-octet``).
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
#: Matches texts that are certainly not a token: the name of a cookie of the site, a line with another cookie, or a file name.
_NO_TOKEN = re.compile(
    r"__(?:Secure|Host)-.*|(?:next-auth|authjs)\..*|[^=]*=+[^=].*|.*\.(?:json|txt)", re.IGNORECASE | re.DOTALL
)
#: Matches the path of a file. A session token has neither such a beginning nor such an end.
_PATH = re.compile(r"(?:~|/|\.{1,2}[/\\]|[a-z]:[/\\]).*|.*\.(?:json|txt)", re.IGNORECASE)

#: The hosts of the site. Cookies of other hosts are ignored, because an export of a browser's cookies may contain session cookies
#: of other sites with the same names.
_HOSTS = ("chatgpt.com", "chat.openai.com")

#: The error message for a value that is not a token and does not contain a token.
INVALID_TOKEN = (
    "ChatGPT invalid session token. Accepted are: the value of the site's session cookie, or its parts in order; the cookie as "
    "`name=value`, `name: value`, a `Cookie:` or a `Set-Cookie:` line; a dict of cookie names and values; a list of cookies, "
    "as Playwright's `context.cookies()` or a browser extension exports it; Playwright's `storage_state`; JSON of these; the "
    "text of a Netscape `cookies.txt`; and a `pathlib.Path` of a file that contains one of them. The name of the cookie is "
    "`__Secure-next-auth.session-token`; if the site split it, the names of its parts end in `.0`, `.1` and so on."
)


def is_path(text: str) -> bool:
    """Return whether a text is the path of a file, and not a session token."""
    return _PATH.fullmatch(text.strip()) is not None


def is_session_cookie(name: str) -> bool:
    """Return whether a cookie with this name stores the session token or a part of the token."""
    return _MEMBER.fullmatch(name) is not None


@dataclass(frozen=True)
class SessionToken:
    """A whole session token. ``family`` is the name of the library that defines the cookie names: ``next-auth`` or ``authjs``."""

    value: str = field(repr=False)
    family: str = "next-auth"

    @classmethod
    def parse(cls, given: object, url: str = "") -> SessionToken | None:
        """Return the session token in a value, or None if the value contains no token.

        The value is a token, a list of the parts of a token in order, JSON text of such a list, or cookies in any form that
        :func:`.cookie_formats.cookies_of` accepts. Cookies of other sites are ignored. An invalid value raises no exception here,
        because a traceback with local variables would show the value.

        :param url: a URL of the site. Cookies of this URL's host are preferred to cookies of the site's other hosts.
        """
        if isinstance(given, SessionToken):
            return given
        if isinstance(given, Iterable) and not isinstance(given, (str, bytes, bytearray, Mapping)):
            given = list(given)
        members = [cookie for cookie in cookies_of(given) if is_session_cookie(cookie.name)]
        if members:
            return cls._from_cookies(members, (_host_of(url), *_HOSTS))
        if isinstance(given, str):
            if not is_json(given):
                return None if is_header(given) or is_path(given) else cls._from_values([given])
            given = read_json(given)
        if isinstance(given, list) and all(isinstance(value, str) for value in given):
            return cls._from_values(given)
        return None

    @classmethod
    def _from_values(cls, values: list[str]) -> SessionToken | None:
        return None if any(_NO_TOKEN.fullmatch(_bare(value)) for value in values) else cls._joined(values)

    @classmethod
    def _from_cookies(cls, cookies: list[Cookie], hosts: tuple[str, ...]) -> SessionToken | None:
        """Return the token that the cookies contain, or None if they contain no token.

        First, the cookies without a domain are searched for a token, then the cookies of each host in the order of ``hosts``. If
        a token is split over several cookies, all of them must have the same host.
        """
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

        # If there are both a split token and a token in one cookie, the split token is used: the token in one cookie belongs to
        # an earlier session.
        for family, parts in chunks.items():
            if sorted(parts) == list(range(len(parts))):
                return cls._joined([parts[index] for index in sorted(parts)], family)
        for family, value in plain.items():
            return cls._joined([value], family)
        return None

    @classmethod
    def _joined(cls, values: list[str], family: str = "next-auth") -> SessionToken | None:
        """Return the token that consists of these parts, or None if a part contains an invalid character.

        Quotes and white space around a part are removed, because copying may add them.
        """
        bare = [_bare(value) for value in values]
        if not bare or not all(_COOKIE_VALUE.fullmatch(value) for value in bare):
            return None
        return cls("".join(bare), family)

    def cookies(self, origin: str) -> list[dict[str, Any]]:
        """Return all cookies that store the token for one origin, in the form that Playwright's ``add_cookies`` accepts."""
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


#: The empty token of a client that uses the session of the user's own browser. Such a client does not read the token of this
#: session.
NO_SESSION_TOKEN = SessionToken("")


def _bare(value: str) -> str:
    return value.strip("\ufeff \t\r\n").strip("\"'")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _belongs_to(domain: str, host: str) -> bool:
    """Return whether a browser sends a cookie of this domain to the host. An empty domain matches only an empty host."""
    return host == domain or bool(domain) and host.endswith(f".{domain}")
