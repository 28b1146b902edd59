"""What `doctor` sees on this machine, before any browser starts."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import stat
import sys
from typing import TYPE_CHECKING

from chatgpt_browser import InvalidSessionTokenError

from ..client import TOKEN
from .checks import Check, Finding, ok, problem, skipped, warning

if TYPE_CHECKING:
    from pathlib import Path

    from .context import Patient

SIGN_IN_ELSEWHERE = (
    f"sign in on a machine with a screen and set {TOKEN} here; or give this one a screen for `login` "
    "(ssh -X, xvfb-run)"
)


def versions(_: Patient) -> Finding:
    ours, playwright = (importlib.metadata.version(name) for name in ("chatgpt-browser-api", "playwright"))
    python, system = platform.python_version(), platform.platform(terse=True)
    summary = f"chatgpt-browser-api {ours}, Playwright {playwright}, Python {python}, {system}"
    return ok(summary, chatgpt_browser=ours, playwright=playwright, python=python, system=system)


def token(patient: Patient) -> Finding:
    """Whether there is a session token, and whence; never what it is."""
    if patient.token is None:
        return problem(InvalidSessionTokenError("there is no session token"))

    from chatgpt_browser._protocol.cookies import SessionToken

    parsed = SessionToken.parse(patient.token)
    where = f"from {TOKEN}" if patient.is_from_environment else "from what login saved"
    if parsed is None:
        return problem(InvalidSessionTokenError(f"the session token {where} can't be one"))

    cookies = len(parsed.cookies(patient.origin))
    return ok(
        f"{where}: {len(parsed.value)} characters, {cookies} cookie{'s' * (cookies > 1)}",
        source="environment" if patient.is_from_environment else "login",
        characters=len(parsed.value),
        cookies=cookies,
    )


def store(patient: Patient) -> Finding:
    """Whether what `login` keeps is for its owner alone."""
    folder = patient.store.folder
    if not folder.exists():
        return ok(f"nothing is saved yet in {folder}", folder=str(folder))
    if sys.platform == "win32":
        return skipped(f"{folder}: Windows keeps permissions in another way")

    try:
        open_to_others = [path for path in (folder, *folder.iterdir()) if is_open_to_others(path)]
    except OSError as error:
        return warning(f"{folder} can't be read: {error.strerror}", f"see whose '{folder}' is")
    if open_to_others:
        names = ", ".join(path.name for path in open_to_others)
        return warning(
            f"others may read or change {names} in {folder.parent}, which let whoever reads them in as you",
            f"chmod -R go-rwx '{folder}'",
            folder=str(folder),
            open_to_others=[str(path) for path in open_to_others],
        )
    return ok(f"{folder} is for you alone", folder=str(folder))


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but us may read or change it, or it isn't ours at all."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):  # a link's own permissions say nothing, and Chromium's lock is one
        return False
    return status.st_uid != os.geteuid() or bool(stat.S_IMODE(status.st_mode) & 0o077)


def display(patient: Patient) -> Finding:
    """Whether a window could be shown."""
    name = next(filter(None, map(os.environ.get, ("WAYLAND_DISPLAY", "DISPLAY"))), "")
    if sys.platform != "linux" or name:
        return ok(f"{name or 'the desktop'}: a window can be shown", display=name)
    if patient.token is not None:
        return ok("none, and none is needed but for login and --headed", display="")
    return warning("none: `login` has no screen to show its window on", SIGN_IN_ELSEWHERE, display="")


CHECKS: tuple[Check[Patient], ...] = (
    Check("versions", versions),
    Check("token", token),
    Check("store", store),
    Check("display", display),
)
