"""The ways to sign in on a machine without a display. The texts also state which of the needed programs this machine has."""

from __future__ import annotations

import shutil
from contextlib import suppress

from chatgpt_browser._core.errors import BrowserLaunchError

from ..environment import BROWSER, TOKEN

#: The programs that start Chrome or Chromium on Linux.
_CHROME_PROGRAMS = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "microsoft-edge")


def ways_without_display() -> list[str]:
    """Return one line for each way. No browser is started."""
    return [_own_chrome(), _file(), _xvfb()]


def _own_chrome() -> str:
    from chatgpt_browser._browser.running_browser import CHANNELS, find_devtools_url

    variables = f"{BROWSER['browser_url']}={{}} {BROWSER['browser_context']}=default"
    for name, channel in CHANNELS.items():
        with suppress(BrowserLaunchError, RuntimeError):  # RuntimeError: the user has no home folder.
            find_devtools_url(name)
            return f"your own browser, no cookie is copied: {channel.name} runs here; set {variables.format(name)}"
    installed = next(filter(None, map(shutil.which, _CHROME_PROGRAMS)), None)
    state = (
        f"{installed} is not running with remote debugging" if installed else "none was found on this machine"
    )
    return (
        f"your own browser, no cookie is copied: {state}; set {BROWSER['browser_url']} to the address of its debugging port, "
        f"and {BROWSER['browser_context']}=default"
    )


def _file() -> str:
    return (
        "a session from another machine: `chatgpt-browser login --from-file storage_state.json` (or cookies.txt), or set "
        f"{TOKEN}; the copy and its original sign each other out when the site replaces the cookie"
    )


def _xvfb() -> str:
    state = "is installed" if shutil.which("Xvfb") else "is not installed (package xvfb)"
    return (
        f"a virtual display that you can see, for example over VNC, or `ssh -X`: Xvfb {state}; "
        "then `xvfb-run chatgpt-browser login`"
    )
