"""Reads the site's session cookie from a file of cookies that the user has exported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chatgpt_browser._core.files import read_small_file

if TYPE_CHECKING:
    from chatgpt_browser._protocol.cookies import SessionToken

#: The warning about a copied session cookie.
COPIED_COOKIE = (
    "this session is a copy: when the site replaces the cookie, the browser that it comes from, or this client, is signed out. "
    "Use a session that only this client uses, for example of a private window that you close without signing out."
)
#: The maximum size of the file in bytes. The exported cookies of a whole browser take a few hundred kilobytes.
_MAX_SIZE = 16 << 20
_FORMATS = (
    "the file must be Playwright's storage_state, another export of cookies as JSON, a Netscape cookies.txt, or lines of the "
    "form `name=value`"
)
#: The first bytes of a SQLite file. Browsers store their cookies in such files.
_SQLITE = b"SQLite format 3\0"
#: Matches a line of a Netscape file: seven fields with tabs between them.
_NETSCAPE_LINE = re.compile(
    r"^[^\t\n]+\t(?:TRUE|FALSE)\t(?:[^\t\n]*\t){4}[^\t\n]*$", re.MULTILINE | re.IGNORECASE
)


def read_session_file(path: Path, origin: str) -> SessionToken:
    """Return the session token for the site with this origin. All other cookies in the file are ignored.

    :raises typer.BadParameter: the file cannot be read, has another format, or contains no session cookie of the site.
    """
    from chatgpt_browser._protocol.cookie_formats import cookies_of, is_json
    from chatgpt_browser._protocol.cookies import SessionToken, is_session_cookie

    text = _read(path)
    cookies = cookies_of(text)
    members = [cookie for cookie in cookies if is_session_cookie(cookie.name)]
    if not members and not (is_json(text) or _NETSCAPE_LINE.search(text)):
        raise _refused(path, _FORMATS)
    if not cookies:
        raise _refused(path, f"it contains no cookies; {_FORMATS}")
    if not members:
        raise _refused(
            path,
            f"none of its {len(cookies)} cookies is the session cookie: sign in to {origin} before the export",
        )
    token = SessionToken.parse(text, origin)
    if token is None:
        hosts = ", ".join(sorted({cookie.domain for cookie in members if cookie.domain})) or "no site"
        raise _refused(
            path,
            f"its session cookie (of {hosts}) is not one of {origin}, its value is not valid, or a part of the split cookie is "
            "missing",
        )
    return token


def _read(path: Path) -> str:
    try:
        if _is_database(path):
            raise ValueError("it is a browser's database of cookies, which this command does not read")
        return read_small_file(path, _MAX_SIZE)
    except ValueError as error:
        raise _refused(path, f"{error}; {_FORMATS}") from None
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from None


def _is_database(path: Path) -> bool:
    if not path.is_file():  # Opening a FIFO would block.
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _refused(path: Path, reason: str) -> typer.BadParameter:
    """Return the error for a file. The message contains no content of the file."""
    return typer.BadParameter(f"{path}: {reason}", param_hint="'--from-file'")
