"""The checks of this machine, which need no browser: versions, session token, data folder and display."""

from __future__ import annotations

import os
import platform
import stat
import sys
from pathlib import Path

from chatgpt_browser import InvalidSessionTokenError

from ..environment import SIGN_IN_ELSEWHERE, TOKEN, has_display
from .checks import Check, Finding, ok, problem, skipped, warning
from .context import CheckContext


def versions(_: CheckContext) -> Finding:
    """Report the versions of this package, Playwright, Python and the system."""
    import importlib.metadata

    ours, playwright = (importlib.metadata.version(name) for name in ("chatgpt-browser-api", "playwright"))
    python, system = platform.python_version(), platform.platform(terse=True)
    summary = f"chatgpt-browser-api {ours}, Playwright {playwright}, Python {python}, {system}"
    return ok(summary, chatgpt_browser=ours, playwright=playwright, python=python, system=system)


def token(context: CheckContext) -> Finding:
    """Check that a well-formed session token exists. Report its source and its length, never its value."""
    if not context.options.uses_own_session:
        browser = context.options.browser_urls[0]
        return ok(f"not needed: the session of the browser {browser!r} is used", source="browser")
    if context.token is None:
        return problem(InvalidSessionTokenError("there is no session token"))

    from chatgpt_browser._client.base_client import read_session_token

    parsed = read_session_token(context.token, context.options.site.api_base_url)
    source = f"from {TOKEN}" if context.is_from_environment else "saved by login"
    if isinstance(parsed, InvalidSessionTokenError):
        return problem(InvalidSessionTokenError(f"the session token {source} is malformed: {parsed}"))

    context.secrets.append(parsed.value)
    cookies = len(parsed.cookies(context.origin))
    return ok(
        f"{source}: {len(parsed.value)} characters, {cookies} cookie{'s' * (cookies > 1)}",
        source="environment" if context.is_from_environment else "login",
        characters=len(parsed.value),
        cookies=cookies,
    )


def data_folder(context: CheckContext) -> Finding:
    """Check that only the owner can access the data folder."""
    folder = context.data_folder.folder
    if not folder.exists():
        return ok(f"nothing is saved yet in {folder}", folder=str(folder))
    if sys.platform == "win32":
        return skipped(f"{folder}: not checked, because Windows uses access control lists")

    try:
        open_to_others = [path for path in (folder, *folder.iterdir()) if is_open_to_others(path)]
    except OSError as error:
        return warning(f"cannot read {folder}: {error.strerror}", f"check the permissions of '{folder}'")
    if open_to_others:
        names = ", ".join(path.name for path in open_to_others)
        return warning(
            f"other users can read or change {names} in {folder.parent}, and so use your session",
            f"chmod -R go-rwx '{folder}'",
            folder=str(folder),
            open_to_others=[str(path) for path in open_to_others],
        )
    return ok(f"only you can access {folder}", folder=str(folder))


def is_open_to_others(path: Path) -> bool:
    """Return whether another user can access the file or owns the file."""
    status = path.lstat()
    # The mode of a symbolic link has no meaning. The profile contains such a link: Chromium's lock.
    if stat.S_ISLNK(status.st_mode):
        return False
    return status.st_uid != os.geteuid() or bool(stat.S_IMODE(status.st_mode) & 0o077)


def display(context: CheckContext) -> Finding:
    """Check whether a browser window can be shown."""
    name = next(filter(None, map(os.environ.get, ("WAYLAND_DISPLAY", "DISPLAY"))), "")
    if has_display():
        return ok(f"{name or 'desktop'}: windows can be shown", display=name)
    if context.token is not None:
        return ok("none; only login and --headed need one", display="")
    return warning("none: `login` cannot open its window", SIGN_IN_ELSEWHERE, display="")


CHECKS: tuple[Check[CheckContext], ...] = (
    Check("versions", versions),
    Check("token", token),
    Check("store", data_folder),
    Check("display", display),
)
